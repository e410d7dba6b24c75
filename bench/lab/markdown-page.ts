// The page of `npm run bench -- markdown`: a real `<llm-chat>` whose engine writes a long answer at a steady pace. It times
// every render of the chat from inside (performUpdate: templates, DOM, and the layout that following the end asks for)
// and sums them by animation frame. Bundled by the bench; knows nothing of files.

import { html, render, type LitElement } from 'lit';
import '../../components/define/chat.js';
import { ScriptedEngine, demoLoaded } from '../../test/support/scripted-engine.js';

export interface Measured {
  /** Milliseconds of script by frame in which the chat rendered, in order. */
  readonly frames: readonly number[];
  /** Milliseconds of script and tokens shown, by quarter of the answer. */
  readonly quarters: readonly { readonly milliseconds: number; readonly tokens: number }[];
  readonly seconds: number;
}

const samples = [
  'Streaming an answer means that *every* word is placed once, and that what stands there already is left **alone**. ',
  'A paragraph has some `code`, a [link](https://example.com/page) and a number such as 3.14, too.\n\n',
  '## A heading in between\n\n',
  '- one thing\n- another thing with **weight**\n  - and something below it\n- the last of them\n\n',
  '1. first\n2. second\n3. third\n\n',
  '| model | size | speed |\n|---|--:|:-:|\n| small | 12 MB | fast |\n| large | 1.2 GB | slow |\n\n',
  '```js\nfunction add(a, b) {\n  // one line of comment\n  return a + b;\n}\n```\n\n',
  '> Somebody said this, and it was written down.\n\n',
];

/** About four characters a token, as tokenizers cut English. */
function tokensOf(count: number): string[] {
  const tokens: string[] = [];
  for (let next = 0; tokens.length < count; next++) {
    tokens.push(...((samples[next % samples.length] ?? '').match(/[^]{1,4}/g) ?? []));
  }
  return tokens.slice(0, count);
}

async function measure(count: number, rate: number): Promise<Measured> {
  const tokens = tokensOf(count);
  const engine = new ScriptedEngine({
    state: { status: { kind: 'ready', model: demoLoaded } },
    answers: [[{ wait: 86_400_000 }]],
  });
  // The pace is the bench's own: as many tokens as the clock says, handed over as the port hands them over.
  engine.chat.completions.create = () => Promise.resolve(paced(tokens, rate));
  document.body.style.margin = '0';
  render(
    html`<llm-engine .engine=${engine}
      ><llm-chat style="block-size: 600px; inline-size: 720px"></llm-chat
    ></llm-engine>`,
    document.body,
  );
  const chat = document.querySelector('llm-chat');
  if (chat === null) throw new Error('no chat');
  await chat.updateComplete;

  const frames: number[] = [];
  const quarters = Array.from({ length: 4 }, () => ({ milliseconds: 0, tokens: 0 }));
  let [frame, shown] = [0, 0];
  // Every timer and every message runs through the chat's render in the end; what one takes is measured here.
  const inner = chat as unknown as LitElement & { performUpdate(): void };
  const perform = inner.performUpdate.bind(inner);
  inner.performUpdate = () => {
    const begin = performance.now();
    perform();
    const took = performance.now() - begin;
    frame += took;
    const quarter = quarters[Math.min(3, Math.floor((4 * written) / count))];
    if (quarter === undefined) return;
    quarter.milliseconds += took;
    quarter.tokens += written - shown;
    shown = written;
  };
  let running = true;
  const tick = () => {
    if (frame > 0) frames.push(frame);
    frame = 0;
    if (running) requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
  const begin = performance.now();
  chat.send('Write a long answer.');
  await new Promise<void>((resolve) => {
    chat.addEventListener('llm-message', (event) => {
      if (event.detail.message.role === 'assistant') resolve();
    });
  });
  await new Promise((resolve) => setTimeout(resolve, 500));
  running = false;
  return { frames, quarters, seconds: (performance.now() - begin) / 1000 };
}

let written = 0;

async function* paced(tokens: readonly string[], rate: number) {
  const begin = performance.now();
  written = 0;
  const facts = { id: 'bench', object: 'chat.completion.chunk', created: 0, model: demoLoaded.id } as const;
  const llm = { backend: 'local', model: demoLoaded.id } as const;
  while (written < tokens.length) {
    const due = Math.min(tokens.length, Math.floor(((performance.now() - begin) * rate) / 1000));
    for (; written < due; written++) {
      const delta = { content: tokens[written] ?? '' };
      yield { ...facts, choices: [{ index: 0, delta, finish_reason: null }], llm } as never;
    }
    await new Promise((resolve) => setTimeout(resolve, 1000 / rate));
  }
  yield { ...facts, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], llm } as never;
}

Object.assign(globalThis, { measure });
