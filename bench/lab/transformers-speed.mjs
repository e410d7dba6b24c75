// transformers.js measured as lab-page.ts's `speed` measures our decoders: `bundleTransformers` makes its browser build
// one file (installing bench/rivals on first use), `transformersSpeed` runs in the page and stands alone. The same
// lengths, greedy, arbitrary token ids; its own generate() with a streamer that notes the time of each token.

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

export const rivals = join(import.meta.dirname, '../rivals');

/** @returns {Promise<string>} the script's text */
export async function bundleTransformers() {
  if (!existsSync(join(rivals, 'node_modules'))) {
    console.error('bench/rivals is installed once (npm ci)...');
    execFileSync('npm', ['ci', '--ignore-scripts', '--silent'], { cwd: rivals, stdio: 'inherit' });
  }
  const result = await build({
    stdin: { contents: "export * from '@huggingface/transformers';", resolveDir: rivals },
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    logLevel: 'error',
  });
  return result.outputFiles[0].text;
}

/** @param {{visit: 'first' | 'second', repo: string, device: string, threads: number, vocabulary: number, prefill: number[], contexts: number[], tokens: number, runs: number}} request */
export async function transformersSpeed({ visit, repo, device, threads, vocabulary, prefill, contexts, tokens, runs }) {
  const { AutoModelForCausalLM, Tensor, env } = await import('/transformers.js');
  env.allowRemoteModels = false;
  env.allowLocalModels = true;
  env.localModelPath = '/';
  env.useBrowserCache = true;
  env.backends.onnx.wasm.wasmPaths = '/rival-ort/';
  env.backends.onnx.wasm.numThreads = threads;
  const began = performance.now();
  const model = await AutoModelForCausalLM.from_pretrained(repo, { dtype: 'q4', device });
  const load = performance.now() - began;
  if (visit === 'first') return await model.dispose(); // the files are in its cache
  const once = async (length, limit) => {
    const ids = BigInt64Array.from({ length }, (_, i) => BigInt((i * 7919 + 13) % vocabulary));
    const mask = new BigInt64Array(length).fill(1n);
    const times = [];
    const started = performance.now();
    await model.generate({
      inputs: new Tensor('int64', ids, [1, length]),
      attention_mask: new Tensor('int64', mask, [1, length]),
      do_sample: false,
      max_new_tokens: limit,
      min_new_tokens: limit,
      // The first call hands over the prompt.
      streamer: { put: () => times.push(performance.now()), end: () => undefined },
    });
    const [, first = started, ...later] = times;
    return { read: first - started, token: ((later.at(-1) ?? first) - first) / Math.max(later.length, 1) };
  };
  await once(8, 4);
  const result = { prefill: {}, decode: {} };
  for (let run = 0; run < runs; run++) {
    for (const length of new Set([...prefill, ...contexts])) {
      const { read, token } = await once(length, contexts.includes(length) ? tokens : 2);
      if (prefill.includes(length)) {
        result.prefill[length] = Math.max(result.prefill[length] ?? 0, (length / read) * 1000);
      }
      if (contexts.includes(length)) result.decode[length] = Math.max(result.decode[length] ?? 0, 1000 / token);
    }
  }
  await model.dispose();
  return { ...result, load, device: `transformers.js ${env.version}, ${device}, ${threads} thread(s)` };
}
