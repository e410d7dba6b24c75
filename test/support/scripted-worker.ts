// A SharedWorker that runs the real EngineHost with a scripted model at the edge: what the host's and the client's
// browser tests talk to. The model's text says what to do: the last user message (or the bare prompt) is read as a script.
//   "say a b c"          one delta a word ("a ", "b ", "c "), then the end
//   "slow MS a b c"      the same, with MS milliseconds between words
//   "fail CODE a b c"    says all but the last word, then throws an EngineError of that code; a continuation skips what
//                        the partial answer holds already and says the rest
//   "hang MS a b"        blocks this worker for MS milliseconds before it speaks, as a defect would
//   "perish N a b c"     says N words and closes this worker, as a crash would; a continuation of those says the rest
//   "die"                closes this worker in the middle of everything, as a crash would
// Models: any URL that ends in .scripted; `?load=MS` makes loading slow, `?broken=CODE` fails, `?webgpu=CODE` fails on
// WebGPU only, `?fetch=N` fetches N files beside it. Cloud: the same script, its words in capitals.

import { serveEngine } from '../../engine/host/serve-engine.js';
import { EngineError, engineErrorCodes, type EngineErrorCode } from '../../engine/protocol/errors.js';
import { IndexedDbConsentStore } from '../../engine/routing/consent-store.js';
import { SettingsDatabase } from '../../engine/routing/settings-database.js';
import type { Backend, BackendEvent, BackendRequest } from '../../engine/backends/backend.js';
import type { OpenModel } from '../../engine/routing/runner.js';
import type { DecoderDevice } from '../../engine/decoders/decoder.js';

const codeOf = (word: string): EngineErrorCode => engineErrorCodes.find((code) => code === word) ?? 'internal';

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    const stop = (): void => {
      clearTimeout(timer);
      reject(EngineError.from(signal.reason));
    };
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
  });
}

async function* play(request: BackendRequest, kind: 'local' | 'cloud'): AsyncGenerator<BackendEvent> {
  const speak = (word: string): string => (kind === 'cloud' ? word.toUpperCase() : word);
  const { completion, partialAnswer, signal } = request;
  const script = completion.messages ? (completion.messages.at(-1)?.content ?? '') : completion.prompt;
  const [verb = '', ...rest] = script.split(' ');
  if (verb === 'die') {
    globalThis.close(); // the current task still runs to its end: it must never come
    await new Promise(() => undefined);
  }
  const argument = ['slow', 'fail', 'hang', 'perish'].includes(verb) ? rest.shift() : undefined;
  if (verb === 'hang') {
    const until = performance.now() + Number(argument);
    while (performance.now() < until);
  }
  const said = partialAnswer.split(' ').filter(Boolean).length;
  const words = rest.slice(said, completion.max_tokens === undefined ? undefined : said + completion.max_tokens);
  yield { type: 'prefilled', promptTokens: script.length, cachedTokens: 0 };
  const fails = verb === 'fail' && partialAnswer === '';
  let spoken = said;
  for (const word of fails ? words.slice(0, -1) : words) {
    if (verb === 'perish' && spoken++ === Number(argument) && partialAnswer === '') {
      await pause(30, signal); // what was said is on its way
      globalThis.close();
      await new Promise(() => undefined);
    }
    if (verb === 'slow') await pause(Number(argument), signal);
    signal.throwIfAborted();
    yield { type: 'delta', text: `${speak(word)} `, tokens: 1, ...(kind === 'local' && { ids: [word.length] }) };
  }
  if (fails) throw new EngineError(codeOf(argument ?? ''), 'The script says so.');
  yield { type: 'end', finishReason: 'stop', promptTokens: script.length, completionTokens: words.length };
}

const backend = (modelId: string, kind: Backend['info']['kind']): Backend => ({
  info: { kind, modelId, modelName: modelId, leavesDevice: kind === 'cloud' },
  stream: (request) => play(request, kind),
  dispose: async () => undefined,
});

const openModel: OpenModel = async (url, { signal, onProgress }) => {
  const { pathname, searchParams } = new URL(url);
  if (!pathname.endsWith('.scripted')) {
    throw new EngineError('model-not-found', `Nothing answers at ${url}.`, { hint: 'Correct the address.' });
  }
  const broken = searchParams.get('broken');
  if (broken) throw new EngineError(codeOf(broken), 'The script says so.');
  return {
    name: pathname,
    close: () => undefined,
    start: async (device: DecoderDevice) => {
      const failure = searchParams.get(device);
      if (failure) throw new EngineError(codeOf(failure), `${device} fails, the script says so.`);
      const fetches = Number(searchParams.get('fetch') ?? 0);
      for (let n = 0; n < fetches; n++) {
        await (await fetch(new URL(`./scripted-models.json?n=${n}`, url), { signal })).arrayBuffer();
      }
      const load = Number(searchParams.get('load') ?? 0);
      for (let step = 1; step <= 10; step++) {
        if (load > 0) await pause(load / 10, signal);
        onProgress({ loadedBytes: step * 100, totalBytes: 1000 });
      }
      return {
        backend: backend(url, 'local'),
        decoder: {
          kind: 'onnx',
          device,
          deviceName: 'scripted',
          contextLength: 1000,
          vocabularySize: 10,
          weightBytes: 1000,
        },
        kvBytes: () => 0,
      };
    },
  };
};

serveEngine({
  openModel,
  createCloud: () => backend('scripted cloud', 'cloud'),
  probe: async () => ({ webgpu: { available: true, name: 'scripted' }, wasmSimd: true, rates: null }),
  consent: new IndexedDbConsentStore(new SettingsDatabase('llm-elements-test')),
});
