// A model of more than 4 GiB in WebAssembly memory: the builds with addresses of 64 bits (Memory64), with as much behind them
// as they are for. Written once (Llama-3.1-8B's shape, random weights, Q4_0: 4.5 GB), read over loopback into the decoder without
// being kept, a prompt read and some tokens decoded; the file is deleted afterwards.
//   npm run bench -- large [--threads 1] [--prompt 32] [--tokens 16] [--gguf FILE] [--json]
// Needs 10 GB of memory, 5 GB of disk and a minute or two. A row without the `-large` kernels is an error, not a figure.

import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { openLab } from './lab/lab.mjs';
import { writeRandomGguf } from './lab/random-gguf.ts';
import { familyMemory, watchMemory } from './memory.mjs';

export const title = 'large: a model beyond 4 GiB, in WebAssembly memory with addresses of 64 bits';
export const columns = ['file MB', 'threads', 'kernels', 'load s', 'prefill tok/s', 'decode tok/s', 'peak MiB', 'note'];

const shape = 'llama-3.1-8b';

async function measure(file, threads, prompt, tokens) {
  const lab = await openLab({ mounts: { '/bench-model/': dirname(file) }, isolate: threads > 1 });
  try {
    const blank = familyMemory(process.pid);
    const stop = watchMemory(process.pid, 1000);
    const url = `/bench-model/${encodeURIComponent(basename(file))}`;
    const { load, device } = await lab.call('open', { url, device: 'wasm', decoder: 'wasm', threads });
    const request = { prefill: [prompt], contexts: [prompt], tokens, runs: 1, plain: true };
    const speed = await lab.call('speed', request);
    const { peak } = stop();
    const kernels = [...new Set(lab.kernels)];
    const small = kernels.every((name) => !name.includes('-large'));
    return {
      threads,
      kernels: kernels.join(' '),
      load_ms: load,
      prefill_tok_s: speed.prefill[prompt],
      decode_tok_s: speed.decode[prompt],
      weight_bytes: speed.weightBytes,
      peak_bytes: peak === null ? null : peak - blank,
      'load s': load / 1000,
      'prefill tok/s': speed.prefill[prompt],
      'decode tok/s': speed.decode[prompt],
      'peak MiB': peak === null ? null : (peak - blank) / 2 ** 20,
      note: device,
      ...(small ? { error: 'the model did not need the kernels with 64-bit addresses' } : {}),
    };
  } finally {
    await lab.close();
  }
}

export async function* run(args) {
  const string = { type: 'string' };
  const { values } = parseArgs({ args, options: { threads: string, prompt: string, tokens: string, gguf: string } });
  const scratch = mkdtempSync(join(tmpdir(), 'llm-elements-bench-'));
  try {
    const file = values.gguf === undefined ? join(scratch, `${shape}.gguf`) : resolve(values.gguf);
    if (values.gguf === undefined) writeRandomGguf(file, shape);
    const megabytes = statSync(file).size / 1e6;
    for (const count of (values.threads ?? '1').split(',').map(Number)) {
      const facts = { model: values.gguf === undefined ? shape : basename(file), 'file MB': megabytes };
      const row = await measure(file, count, Number(values.prompt ?? 32), Number(values.tokens ?? 16)).catch(
        (error) => ({
          threads: count,
          note: error.message,
          error: error.message,
        }),
      );
      yield { ...facts, ...row };
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
