// What packing a model of more than a gigabyte needs: time, and the packer's peak memory (the kernel's VmHWM, Linux only). The
// file has Llama-3.2-1B's shape, random weights in Q8_0 (1.3 GB); another one by --gguf. The packer verifies what it made.
//   npm run bench -- pack [--gguf FILE] [--quant keep] [--json]
// Bar: under 512 MiB.

import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { randomGguf } from './lab/random-gguf.ts';

export const title = 'pack: what packing a large model needs';
export const columns = ['model', 'MB', 'quant', 'seconds', 'peak MiB', 'note'];

function peakOf(pid) {
  try {
    return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    return 0; // it has ended, or this is not Linux
  }
}

export async function* run(args) {
  const string = { type: 'string' };
  const { values } = parseArgs({ args, options: { gguf: string, quant: string } });
  const quant = values.quant ?? 'keep';
  const scratch = mkdtempSync(join(tmpdir(), 'llm-elements-bench-'));
  try {
    const file = values.gguf === undefined ? join(scratch, 'random.gguf') : resolve(values.gguf);
    if (values.gguf === undefined) writeFileSync(file, randomGguf('llama-3.2-1b', 2048, 'Q8_0'));
    const packer = join(import.meta.dirname, '../models/packer/pack.ts');
    const began = performance.now();
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', packer, file, '--out', join(scratch, 'pack'), '--quant', quant],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
    let peak = 0;
    const timer = setInterval(() => (peak = Math.max(peak, peakOf(child.pid))), 50);
    const code = await new Promise((done) => child.on('close', done));
    clearInterval(timer);
    yield {
      model: values.gguf ?? 'llama-3.2-1b, random weights, Q8_0',
      MB: statSync(file).size / 1e6,
      quant,
      seconds: (performance.now() - began) / 1000,
      'peak MiB': peak === 0 ? null : peak / 2 ** 20,
      note: 'packed and verified; bar 512 MiB',
      ...(code === 0 ? {} : { error: `the packer ended with ${code}` }),
    };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
