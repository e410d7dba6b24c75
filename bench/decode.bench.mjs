// Decoders side by side on the same bytes: prefill and decode speed, load time, peak memory. Each contender gets a fresh
// browser; the models have the shapes of well-known ones and random weights in Q4_0 (bench/lab/random-gguf.ts), or --gguf
// names a file. All are loaded as on a second visit, from what each keeps in the browser; peak memory is a third visit's, of all
// processes, above a blank page: looking at it takes a quarter of a core, which would be missing where all cores compute.
// On software WebGPU the embedded model alone, because others would never end.
//   npm run bench -- decode [--model smollm2-135m,qwen2.5-0.5b] [--gguf file] [--threads 1,2] [--only wasm,wllama]
//                           [--prompts 32,128,512] [--tokens 32] [--runs 2] [--gpu] [--json]
// All decoders on the processor (half an hour on a quiet machine of two cores):
//   npm run bench -- decode --model smollm2-135m,qwen2.5-0.5b --only "wasm,wasm (int8),wasm (SIMD128),wllama,onnx-wasm (blocks)"
//   npm run bench -- decode --model smollm2-135m --only transformers.js --threads 1 --prompts 32 --tokens 8 --runs 1
// `wasm` is the default (16-bit activations); with more threads than one it computes in a worker that the page lends.
// Needs nothing but npm and Chromium; transformers.js is installed into bench/rivals on first use.
// Our decoders are driven without host and worker (bench/lab), wllama through its own API; the figures are for the
// n-th token after prompts of 32, 128 and 512 tokens. Speeds are the best of --runs runs in one browser.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { openKit } from '../server/kit-browser.mjs';
import { openLab } from './lab/lab.mjs';
import { packToGguf } from './lab/pack-to-gguf.ts';
import { randomGguf } from './lab/random-gguf.ts';
import { writeTransformersRepo } from './lab/transformers-repo.ts';
import { bundleTransformers, rivals, transformersSpeed } from './lab/transformers-speed.mjs';
import { wllamaSpeed } from './lab/wllama-speed.mjs';
import { familyMemory, watchMemory } from './memory.mjs';

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

const contenders = {
  wasm: { open: { decoder: 'wasm', device: 'wasm' } },
  'wasm (int8)': { open: { decoder: 'wasm', device: 'wasm', activations: 'int8' } },
  'wasm (SIMD128)': { open: { decoder: 'wasm', device: 'wasm', build: 'simd' } },
  webgpu: { open: { decoder: 'webgpu', device: 'webgpu' } },
  'onnx-wasm': { open: { decoder: 'onnx', device: 'wasm' } },
  'onnx-wasm (blocks)': { open: { decoder: 'onnx', device: 'wasm', denseBytes: 0 } },
  'onnx-webgpu': { open: { decoder: 'onnx', device: 'webgpu' } },
  wllama: { rival: wllama },
  'transformers.js': { rival: transformers },
};

/** What takes the most memory: the longest prompt, and some tokens after it. */
function forMemory({ prefill, contexts }) {
  return { prefill: [Math.max(...prefill)], contexts: [Math.max(...contexts)], tokens: 8, runs: 1, plain: true };
}

async function kitSpeed(url, open, threads, kitOptions, request) {
  const lab = await openLab({ ...kitOptions, isolate: threads > 1 });
  try {
    const blank = familyMemory(process.pid);
    // Once for the store; what is measured is the second visit.
    const opening = { url, ...open, threads, keep: true };
    await lab.call('open', opening);
    while (!(await lab.call('kept', url))) await new Promise((later) => setTimeout(later, 200));
    await lab.reload();
    const { load, device } = await lab.call('open', opening);
    const speed = await lab.call('speed', request);
    await lab.reload();
    const stop = watchMemory(process.pid);
    await lab.call('open', opening);
    await lab.call('speed', forMemory(request));
    return { ...speed, load, device, memory: { ...stop(), baseline: blank } };
  } finally {
    await lab.close();
  }
}

/** @returns what to mount, to handle, and to run in the page with which arguments */
async function wllama(url) {
  const mounts = { '/wllama/': join(import.meta.dirname, '../node_modules/@wllama/wllama/esm') };
  return { mounts, inPage: wllamaSpeed, given: (origin) => ({ url: origin + url }) };
}

async function transformers(url, file, scratch) {
  const repo = join(scratch, 'repository');
  rmSync(repo, { recursive: true, force: true });
  await writeTransformersRepo(file, repo);
  const { vocab_size: vocabulary } = JSON.parse(readFileSync(join(repo, 'config.json'), 'utf8'));
  const script = await bundleTransformers();
  const handle = (request, response) => {
    if (request.url !== '/transformers.js') return false;
    response.writeHead(200, { 'Content-Type': 'text/javascript' }).end(script);
    return true;
  };
  const mounts = { '/repository/': repo, '/rival-ort/': join(rivals, 'node_modules/onnxruntime-web/dist') };
  return {
    mounts,
    handle,
    inPage: transformersSpeed,
    given: () => ({ repo: 'repository', device: 'wasm', vocabulary }),
  };
}

async function rivalSpeed({ mounts, handle, inPage, given }, threads, kitOptions, request) {
  const kit = await openKit({
    ...kitOptions,
    mounts: { ...kitOptions.mounts, ...mounts },
    isolate: threads > 1,
    policy: null,
    ...(handle === undefined ? {} : { handle }),
  });
  try {
    const openPage = async () => {
      const page = await kit.context.newPage();
      await page.goto(`${kit.origin}/blank.html`);
      return page;
    };
    const page = await openPage();
    const wanted = { ...given(kit.origin), threads, ...request };
    const blank = familyMemory(process.pid);
    await page.evaluate(inPage, { ...wanted, visit: 'first' });
    await page.close();
    const second = await openPage();
    const speed = await second.evaluate(inPage, { ...wanted, visit: 'second' });
    await second.close();
    const third = await openPage();
    const stop = watchMemory(process.pid);
    await third.evaluate(inPage, { ...wanted, ...forMemory(request), visit: 'second' });
    return { ...speed, memory: { ...stop(), baseline: blank } };
  } finally {
    await kit.close();
  }
}

/** A row in the table's words and in the machine-readable ones. */
function row(model, decoder, threads, speed) {
  const { prefill, decode, load, memory, device, dispatches, submits, bytesPerToken, copyRate } = speed;
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
    note: device,
  };
}

export async function* run(args) {
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
      gpu: boolean,
    },
  });
  const list = (text) => text.split(',').map((one) => one.trim());
  const threads = list(values.threads ?? '1,2').map(Number);
  const only = list(values.only ?? Object.keys(contenders).join(','));
  const unknown = only.filter((name) => contenders[name] === undefined);
  if (unknown.length > 0)
    throw new Error(`There is no ${unknown[0]}; there is: ${Object.keys(contenders).join(', ')}.`);
  const prompts = list(values.prompts ?? '32,128,512').map(Number);
  const contexts = prompts.filter((length) => length === 32 || length === 512);
  const request = { prefill: prompts, contexts, tokens: Number(values.tokens ?? 32), runs: Number(values.runs ?? 2) };
  const scratch = mkdtempSync(join(tmpdir(), 'llm-elements-bench-'));
  try {
    for (const model of list(values.model ?? (values.gguf === undefined ? 'embedded,smollm2-135m' : 'file'))) {
      const file = await modelFile(model, values.gguf, scratch);
      const url = `/bench-model/${encodeURIComponent(basename(file))}`;
      const mounts = { '/bench-model/': dirname(file) };
      for (const name of only) {
        const gpu = name.endsWith('webgpu');
        const software = gpu && !values.gpu;
        // Software WebGPU is for correctness: it would take hours on anything but the embedded model.
        if (software && model !== 'embedded') continue;
        const options = { mounts, gpu: values.gpu ? 'real' : 'software' };
        const wanted = software ? { ...request, ...fewLengths, tokens: 8, runs: 1 } : request;
        for (const count of gpu ? [1] : threads) {
          try {
            const { open, rival } = contenders[name];
            const speed =
              rival === undefined
                ? await kitSpeed(url, open, count, options, wanted)
                : await rivalSpeed(await rival(url, file, scratch), count, options, wanted);
            yield row(model, name, count, speed);
          } catch (error) {
            yield { model, decoder: name, threads: count, note: error.message.split('\n')[0], error: error.message };
          }
        }
      }
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

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
