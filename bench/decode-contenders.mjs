// The contenders of decode.bench.mjs and how each is measured: opened in a fresh browser, loaded as on a second visit, asked for
// the same lengths, looked at by a third visit for its memory. Ours are driven without host and worker (bench/lab), the others
// through their own API. Knows nothing of tables and bars.

import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { openKit } from '../server/kit-browser.mjs';
import { openLab } from './lab/lab.mjs';
import { writeTransformersRepo } from './lab/transformers-repo.ts';
import { bundleTransformers, rivals, transformersSpeed } from './lab/transformers-speed.mjs';
import { wllamaSpeed } from './lab/wllama-speed.mjs';
import { settledMemory, watchMemory } from './memory.mjs';

export const contenders = {
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
function forMemory({ prefill, tokens, memoryPrompt = Math.max(...prefill) }) {
  return { prefill: [memoryPrompt], contexts: [memoryPrompt], tokens: Math.min(8, tokens), runs: 1, plain: true };
}

async function kitSpeed(url, open, threads, kitOptions, request) {
  const lab = await openLab({ ...kitOptions, isolate: threads > 1 });
  try {
    const blank = request.noMemory ? null : await settledMemory(process.pid);
    // Once for the store; what is measured is the second visit.
    const opening = { url, ...open, threads, keep: true };
    await lab.call('open', opening);
    while (!(await lab.call('kept', url))) await new Promise((later) => setTimeout(later, 200));
    await lab.reload();
    const { load, device } = await lab.call('open', opening);
    const speed = await lab.call('speed', request);
    if (request.noMemory) return { ...speed, load, device, memory: { peak: null } };
    await lab.reload();
    await settledMemory(process.pid); // the visit before is gone
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
    const blank = request.noMemory ? null : await settledMemory(process.pid);
    await page.evaluate(inPage, { ...wanted, visit: 'first' });
    await page.close();
    const second = await openPage();
    const speed = await second.evaluate(inPage, { ...wanted, visit: 'second' });
    await second.close();
    const third = await openPage();
    await settledMemory(process.pid);
    const stop = watchMemory(process.pid);
    await third.evaluate(inPage, { ...wanted, ...forMemory(request), visit: 'second' });
    return { ...speed, memory: { ...stop(), baseline: blank } };
  } finally {
    await kit.close();
  }
}

/**
 * @param {string} name of `contenders`
 * @param {{url: string, file: string, scratch: string, threads: number, kit: object}} place the model's address and file
 * @param {{prefill: number[], contexts: number[], tokens: number, runs: number, memoryPrompt?: number, noMemory?: boolean}} request
 */
export async function measure(name, { url, file, scratch, threads, kit }, request) {
  const { open, rival } = contenders[name];
  if (rival === undefined) return kitSpeed(url, open, threads, kit, request);
  return rivalSpeed(await rival(url, file, scratch), threads, kit, request);
}
