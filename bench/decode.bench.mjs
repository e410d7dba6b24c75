// Decoders side by side on the same bytes: prefill and decode speed, load time, peak memory. Each contender gets a fresh
// browser; the models have the shapes of well-known ones and random weights in Q4_0 (bench/lab/random-gguf.ts), or --gguf
// names a file. All are loaded as on a second visit, from what each keeps in the browser; peak memory is a third visit's, of all
// processes, above a blank page: looking at it takes a quarter of a core, which would be missing where all cores compute.
// On software WebGPU the embedded model alone, because others would never end.
//   npm run bench -- decode --table [--model smollm2-135m] [--rounds 3]
// The decoders on the processor in one run of a few minutes, with the bars behind the table: the default of ours in rounds, with
// the others between them, because a machine wavers from minute to minute (the best of all rounds counts, and two threads are also
// told over one by the medians of all runs; these two get five times the runs); the slow ones make few tokens, which their notes say.
//   npm run bench -- decode [--model smollm2-135m,qwen2.5-0.5b] [--gguf file] [--threads 1,2] [--only wasm,wllama]
//                           [--prompts 32,128,512] [--tokens 32] [--runs 2] [--gpu] [--json]
// Any decoders, each with all lengths. `wasm` is the default (16-bit activations); with more threads than one it computes in a
// worker that the page lends. Needs nothing but npm and Chromium; transformers.js is installed into bench/rivals on first use.
// The figures are for the n-th token after prompts of 32, 128 and 512 tokens, the best of --runs runs in one browser.

import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { barLines } from './decode-bars.mjs';
import { contenders, measure } from './decode-contenders.mjs';
import { packToGguf } from './lab/pack-to-gguf.ts';
import { randomGguf } from './lab/random-gguf.ts';

export const title = 'decode: every decoder on the same weights';
export const columns = [
  'model',
  'decoder',
  'threads',
  'prefill 32',
  'prefill 128',
  'prefill 512',
  'decode @32',
  'decode @512',
  'load ms',
  'peak MiB',
  'dispatches',
  'MB/token',
  '% copy',
  'note',
];

/** Software WebGPU computes some 0.01 GMAC/s in ONNX Runtime's shaders. */
const fewLengths = { prefill: [32], contexts: [32] };

/** What `--table` measures: the first rows in rounds, some of the others between two of those. */
const table = {
  repeated: [
    ['wasm', 1],
    ['wasm', 2],
  ],
  once: [
    ['wasm (int8)', 1],
    ['wasm (SIMD128)', 1],
    ['wllama', 1],
    ['wllama', 2],
    ['onnx-wasm (blocks)', 1],
    ['transformers.js', 1],
  ],
};
/** Those that are held against each other get more runs: two threads need two cores that nobody disturbs meanwhile. */
const isRepeated = (name, threads) => table.repeated.some(([one, count]) => one === name && count === threads);

/**
 * Of a decoder that is slow: what it is asked for instead. A shorter text at the third visit takes less memory, if anything, so
 * wllama, which the bar on memory is about, reads the longest one there, as ours do.
 */
const slow = {
  wllama: { tokens: 12, runs: 1 },
  'onnx-wasm (blocks)': { tokens: 6, runs: 1, memoryPrompt: 32 },
  'transformers.js': { longest: 128, tokens: 6, runs: 1, memoryPrompt: 32 },
};

/** A row in the table's words and in the machine-readable ones. */
function row(model, decoder, threads, speed, asked = '') {
  const { prefill, decode, all, load, memory, device, dispatches, submits, bytesPerToken, copyRate } = speed;
  const share = copyRate == null ? null : (100 * decode[32] * bytesPerToken) / copyRate;
  const peak = memory.peak === null ? null : memory.peak - memory.baseline;
  return {
    model,
    decoder,
    threads,
    prefill_tok_s: prefill[128] ?? prefill[32],
    decode_tok_s: decode[32],
    load_ms: load,
    peak_bytes: peak,
    dispatches_per_token: dispatches,
    submits_per_token: submits,
    bytes_per_token: bytesPerToken,
    copy_bytes_s: copyRate,
    copy_percent: share,
    ...(all && { runs: all }),
    'prefill 32': prefill[32],
    'prefill 128': prefill[128],
    'prefill 512': prefill[512],
    'decode @32': decode[32],
    'decode @512': decode[512],
    'load ms': load,
    'peak MiB': peak === null ? null : peak / 2 ** 20,
    dispatches,
    'MB/token': bytesPerToken === undefined ? null : bytesPerToken / 1e6,
    '% copy': share,
    note: [device, asked].filter(Boolean).join('; '),
  };
}

const isBetterHigh = (key) => /^(prefill|decode)/.test(key);

/** The best of several rounds of a row, figure by figure, with all of them beside it. */
function bestOf(rounds) {
  if (rounds.length === 1) return rounds[0];
  const [first] = rounds;
  const best = Object.entries(first).map(([key, value]) => {
    const all = rounds.map((round) => round[key]).filter((one) => typeof one === 'number');
    if (all.length === 0 || !/^(prefill|decode|load)/.test(key)) return [key, value];
    return [key, isBetterHigh(key) ? Math.max(...all) : Math.min(...all)];
  });
  const figures = ({ note, model, decoder, runs, ...rest }) => rest;
  return {
    ...Object.fromEntries(best),
    runs: rounds.reduce((all, { runs = {} }) => {
      for (const [key, values] of Object.entries(runs)) all[key] = [...(all[key] ?? []), ...values];
      return all;
    }, {}),
    note: `${first.note}, best of ${rounds.length} rounds`,
    rounds: rounds.map(figures),
  };
}

/** Options of the command line as what to measure. */
function readOptions(args) {
  const string = { type: 'string' };
  const boolean = { type: 'boolean' };
  const { values } = parseArgs({
    args,
    options: {
      model: string,
      gguf: string,
      threads: string,
      only: string,
      prompts: string,
      tokens: string,
      runs: string,
      rounds: string,
      table: boolean,
      gpu: boolean,
    },
  });
  const list = (text) => text.split(',').map((one) => one.trim());
  const only = list(values.only ?? Object.keys(contenders).join(','));
  const unknown = only.filter((name) => contenders[name] === undefined);
  if (unknown.length > 0)
    throw new Error(`There is no ${unknown[0]}; there is: ${Object.keys(contenders).join(', ')}.`);
  const usual = values.table ? 'smollm2-135m' : 'embedded,smollm2-135m';
  const prefill = list(values.prompts ?? '32,128,512').map(Number);
  return {
    models: list(values.model ?? (values.gguf === undefined ? usual : 'file')),
    gguf: values.gguf,
    threads: list(values.threads ?? '1,2').map(Number),
    only,
    request: {
      prefill,
      contexts: prefill.filter((length) => length === 32 || length === 512),
      tokens: Number(values.tokens ?? 32),
      runs: Number(values.runs ?? 2),
    },
    table: values.table === true,
    rounds: Number(values.rounds ?? 3),
    gpu: values.gpu === true,
  };
}

/** What a slow decoder is asked for in the table, and how the note says it. */
function fewer(name, request) {
  const { longest = Infinity, ...rest } = slow[name];
  const some = (lengths) => lengths.filter((length) => length <= longest);
  const tokens = Math.min(rest.tokens, request.tokens);
  const wanted = { ...request, ...rest, tokens, prefill: some(request.prefill), contexts: some(request.contexts) };
  const few = `${tokens} tokens, one run`;
  return [wanted, rest.memoryPrompt === undefined ? few : `${few}, memory at ${rest.memoryPrompt}`];
}

/** @returns {Generator<[name: string, threads: number, round: number]>} in the order of measuring */
function* tableOrder({ only, threads, rounds }) {
  const wanted = ([name, count]) => only.includes(name) && threads.includes(count);
  const [repeated, once] = [table.repeated.filter(wanted), table.once.filter(wanted)];
  const share = Math.ceil(once.length / Math.max(rounds - 1, 1));
  for (let round = 0; round < rounds; round++) {
    for (const row of repeated) yield [...row, round];
    for (const row of once.slice(round * share, (round + 1) * share)) yield [...row, 0];
  }
}

async function* measureTable(options, model, place) {
  const { request } = options;
  const found = new Map();
  for (const [name, threads, round] of tableOrder(options)) {
    const runs = isRepeated(name, threads) ? 5 * request.runs : request.runs;
    const [wanted, asked] = name in slow ? fewer(name, request) : [{ ...request, runs, noMemory: round > 0 }, ''];
    console.error(`${model}: ${name}, ${threads} thread(s), round ${round + 1} ...`);
    const measured = await tried(model, name, threads, async () =>
      row(model, name, threads, await measure(name, { ...place, threads }, wanted), asked),
    );
    const key = `${name} ${threads}`;
    found.set(key, [...(found.get(key) ?? []), measured]);
  }
  for (const rounds of found.values()) yield rounds.find((one) => one.error) ?? bestOf(rounds);
}

async function* measureAll({ only, threads, request, gpu }, model, place) {
  for (const name of only) {
    const onGpu = name.endsWith('webgpu');
    const software = onGpu && !gpu;
    // Software WebGPU is for correctness: it would take hours on anything but the embedded model.
    if (software && model !== 'embedded') continue;
    const wanted = software ? { ...request, ...fewLengths, tokens: 8, runs: 1 } : request;
    for (const count of onGpu ? [1] : threads) {
      yield await tried(model, name, count, async () =>
        row(model, name, count, await measure(name, { ...place, threads: count }, wanted)),
      );
    }
  }
}

/** A contender that fails is a row, too. */
async function tried(model, decoder, threads, work) {
  try {
    return await work();
  } catch (error) {
    return { model, decoder, threads, note: error.message.split('\n')[0], error: error.message };
  }
}

export async function* run(args) {
  const options = readOptions(args);
  const scratch = mkdtempSync(join(tmpdir(), 'llm-elements-bench-'));
  try {
    for (const model of options.models) {
      const file = await modelFile(model, options.gguf, scratch);
      const kit = { mounts: { '/bench-model/': dirname(file) }, gpu: options.gpu ? 'real' : 'software' };
      const place = { url: `/bench-model/${encodeURIComponent(basename(file))}`, file, scratch, kit };
      yield* options.table ? measureTable(options, model, place) : measureAll(options, model, place);
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Behind the table: the bars. */
export const summary = barLines;

async function modelFile(model, gguf, scratch) {
  if (model === 'file') {
    const file = resolve(gguf);
    if (!existsSync(file)) throw new Error(`There is no file ${file}.`);
    return file;
  }
  const folder = join(scratch, model);
  mkdirSync(folder);
  const file = join(folder, `${model}.gguf`);
  const pack = join(import.meta.dirname, '../models/default/pack');
  writeFileSync(file, model === 'embedded' ? await packToGguf(pack) : randomGguf(model));
  return file;
}
