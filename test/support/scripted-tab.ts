// A page that attaches to the scripted engine and asks what its address says; tests open it in a frame and tear it away.
// With `hidden` it is one that nobody can see.
import { connect } from '../../engine/client/index.js';

const query = new URLSearchParams(location.search);
if (query.has('hidden')) Object.defineProperty(document, 'visibilityState', { value: 'hidden' });
const engine = await connect({
  workerUrl: new URL('./scripted-worker.ts', import.meta.url),
  catalogueUrl: new URL('./scripted-models.json', import.meta.url),
  name: query.get('name') ?? '',
});
const content = query.get('ask');
if (content) {
  const stream = await engine.chat.completions.create({ messages: [{ role: 'user', content }], stream: true });
  for await (const chunk of stream) document.body.append(chunk.choices[0].delta.content ?? '');
}
