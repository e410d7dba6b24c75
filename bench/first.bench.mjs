// The first bench: load time, TTFT, prefill and decode speed, peak memory, of one model on the kit's WASM and WebGPU
// paths and in wllama (llama.cpp in WebAssembly) beside them. Each contender gets a fresh browser; prompts, token counts and
// temperature 0 are the same, and so is the file: the embedded pack is written as GGUF first (losslessly), or --gguf
// names another one. The kit's own pack runs as well when no file was named.
//   npm run bench -- first [--gguf file.gguf] [--tokens 64] [--threads 1] [--gpu]

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { openKit } from '../server/kit-browser.mjs';
import { packToGguf } from './lab/pack-to-gguf.ts';
import { watchMemory } from './memory.mjs';

export const title = 'first: one model, every path, beside wllama';
export const columns = [
  'contender',
  'device',
  'load ms',
  'TTFT ms',
  'prefill tok/s',
  'decode tok/s',
  'tokens',
  'peak MiB',
  'note',
];

const shortPrompt = 'Write a story about a little boat and a whale';
const longPrompt = Array.from(
  { length: 12 },
  (_, i) => `The little boat number ${i + 1} sailed over the blue sea.`,
).join(' ');

/** In the page: the kit. */
async function benchKit({ model, device, tokens, shortPrompt, longPrompt }) {
  const { connect } = await import('/client.js');
  const engine = await connect({ device });
  const began = performance.now();
  const loaded = await engine.load(model.startsWith('/') ? new URL(model, location.href).href : model);
  const load = performance.now() - began;
  const once = async (content, max) => {
    const started = performance.now();
    let first = null;
    let usage = null;
    let last = started;
    for await (const chunk of await engine.chat.completions.create({
      messages: [{ role: 'user', content }],
      temperature: 0,
      max_tokens: max,
      stream: true,
    })) {
      if (chunk.choices[0].delta.content && first === null) first = performance.now();
      last = performance.now();
      usage = chunk.usage ?? usage;
    }
    return { first: (first ?? last) - started, decode: last - (first ?? last), usage };
  };
  await once('Hello there', 4); // warm-up: pipelines are compiled and memory is grown
  const short = await once(shortPrompt, tokens);
  const long = await once(longPrompt, 2);
  return {
    device: `${loaded.device}: ${loaded.deviceName}`,
    load,
    ttft: short.first,
    prefill: (long.usage.prompt_tokens / long.first) * 1000,
    decode: ((short.usage.completion_tokens - 1) / short.decode) * 1000,
    tokens: short.usage.completion_tokens,
  };
}

/** In the page: wllama. */
async function benchWllama({ gguf, tokens, threads, shortPrompt, longPrompt }) {
  const { Wllama, LoggerWithoutDebug } = await import('/wllama/index.js');
  const wllama = new Wllama({ default: '/wllama/wasm/wllama.wasm' }, { logger: LoggerWithoutDebug });
  const blob = await (await fetch(gguf)).blob();
  const began = performance.now();
  await wllama.loadModel([blob], { n_ctx: 1024, n_threads: threads, useCache: false });
  const load = performance.now() - began;
  const once = async (prompt, max) => {
    const started = performance.now();
    let first = null;
    let count = 0;
    let last = started;
    // Streamed with the data callback: wllama's iterator breaks inside UTF-8 characters, the callback does not.
    await wllama.createCompletion({
      prompt,
      max_tokens: max,
      temperature: 0,
      stream: true,
      cache_prompt: false,
      onData: () => {
        last = performance.now();
        first ??= last;
        count += 1;
      },
    });
    return { first: (first ?? last) - started, decode: last - (first ?? last), count };
  };
  await once('Hello there', 4);
  const short = await once(shortPrompt, tokens);
  const counted = await wllama.createCompletion({
    prompt: longPrompt,
    max_tokens: 1,
    temperature: 0,
    cache_prompt: false,
  });
  const long = await once(`${longPrompt} `, 2);
  const multi = wllama.isMultithread();
  await wllama.exit();
  return {
    device: `wasm: ${multi ? `${threads} threads` : '1 thread'}`,
    load,
    ttft: short.first,
    prefill: (counted.usage.prompt_tokens / long.first) * 1000,
    decode: ((short.count - 1) / short.decode) * 1000,
    tokens: short.count,
  };
}

async function measure(contender, kitOptions, inPage, given) {
  const kit = await openKit({ ...kitOptions, policy: null });
  try {
    const page = await kit.context.newPage();
    await page.goto(`${kit.origin}/blank.html`);
    const stop = watchMemory(process.pid);
    const result = await page.evaluate(inPage, given).finally(() => undefined);
    const { baseline, peak } = stop();
    return {
      contender,
      device: result.device,
      'load ms': result.load,
      'TTFT ms': result.ttft,
      'prefill tok/s': result.prefill,
      'decode tok/s': result.decode,
      tokens: result.tokens,
      'peak MiB': peak === null ? null : (peak - baseline) / 2 ** 20,
      note: '',
    };
  } catch (error) {
    return { contender, device: '-', note: error.message.split('\n')[0], error: error.message };
  } finally {
    await kit.close();
  }
}

export async function* run(args) {
  const string = { type: 'string' };
  const { values } = parseArgs({
    args,
    options: { gguf: string, tokens: string, threads: string, gpu: { type: 'boolean' } },
  });
  const tokens = Number(values.tokens ?? 64);
  const threads = Number(values.threads ?? 1);
  const scratch = mkdtempSync(join(tmpdir(), 'llm-elements-bench-'));
  try {
    let file = values.gguf === undefined ? null : resolve(values.gguf);
    const embedded = file === null;
    if (file === null) {
      file = join(scratch, 'embedded.gguf');
      writeFileSync(file, await packToGguf(join(import.meta.dirname, '../models/default/pack')));
    }
    const mounts = {
      '/wllama/': join(import.meta.dirname, '../node_modules/@wllama/wllama/esm'),
      '/bench-model/': dirname(file),
    };
    const gguf = `/bench-model/${encodeURIComponent(basename(file))}`;
    const gpu = values.gpu ? 'real' : 'software';
    const common = { tokens, shortPrompt, longPrompt };
    for (const device of ['wasm', 'webgpu']) {
      // Software WebGPU is for correctness: a few tokens say enough of its speed.
      const few = device === 'webgpu' && gpu === 'software' ? { tokens: Math.min(tokens, 8) } : {};
      if (embedded) {
        yield await measure(`llm-elements, pack (${device})`, { mounts, gpu }, benchKit, {
          ...common,
          ...few,
          model: 'default',
          device,
        });
      }
      if (!embedded || device === 'wasm') {
        yield await measure(`llm-elements, GGUF (${device})`, { mounts, gpu }, benchKit, {
          ...common,
          ...few,
          model: gguf,
          device,
        });
      }
    }
    yield await measure('wllama 3.8.1', { mounts, isolate: threads > 1 }, benchWllama, { ...common, gguf, threads });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
