// Runs GGUF files by the independent reference writer through the kit and holds tokens and greedy text against what
// llama.cpp said of the same files (llama-cpp-reference.jsonl; llama-cpp-reference.mjs made it).
//   node test/interop/compare.mjs <folder with the .gguf files> [--device wasm|webgpu] [--only substring] [--exact] [--tokens N]
// llama.cpp rounds activations to int8 before it multiplies Q8_0 and Q4_0 weights; we do not, so a near-tie may turn.
// --exact compares with what llama.cpp said of the same weights dequantised to F32 (dequantise_gguf.py), where it rounds
// nothing but keys and values (f16). Prompt tokens must be equal. Of the answer, the length of the common beginning is
// shown, and where it is not whole, that is said, never smoothed over. Exit code 0 only when every token is equal.

import { readFileSync, existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { openLab } from '../../bench/lab/lab.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    device: { type: 'string', default: 'wasm' },
    only: { type: 'string', default: '' },
    exact: { type: 'boolean', default: false },
    tokens: { type: 'string', default: '48' },
  },
});
if (positionals.length !== 1) {
  console.error('node test/interop/compare.mjs <folder with .gguf files> [--device wasm|webgpu] [--only substring]');
  process.exit(2);
}
const folder = resolve(positionals[0]);
const rows = readFileSync(
  join(import.meta.dirname, values.exact ? 'llama-cpp-exact.jsonl' : 'llama-cpp-reference.jsonl'),
  'utf8',
)
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line))
  .map((row) => ({ ...row, ids: row.ids.slice(0, Number(values.tokens)) }))
  .filter(({ file }) => file.includes(values.only) && existsSync(join(folder, file)));
const files = [...new Set(rows.map(({ file }) => file))];
let differing = 0;
for (const file of files) {
  const lab = await openLab({ mounts: { '/gguf/': folder } });
  try {
    const { device } = await lab.call('open', { url: `/gguf/${file}`, device: values.device });
    for (const row of rows.filter((candidate) => candidate.file === file)) {
      const ours = await lab.call('continueText', row.prompt, row.ids.length);
      const samePrompt = JSON.stringify(ours.promptIds) === JSON.stringify(row.promptIds);
      const turn = row.ids.findIndex((id, index) => ours.ids[index] !== id);
      const same = samePrompt && turn === -1;
      if (!same) differing += 1;
      const verdict = !samePrompt
        ? 'PROMPT TOKENS DIFFER'
        : turn === -1
          ? 'equal'
          : `equal for ${turn} of ${row.ids.length} tokens`;
      console.log(`${verdict.padEnd(28)} ${file.padEnd(28)} ${JSON.stringify(row.prompt)} (${device})`);
    }
  } catch (error) {
    differing += 1;
    console.log(`FAILED ${file}: ${error.message}`);
  } finally {
    await lab.close();
  }
}
console.log(`${rows.length} continuations, ${differing} not equal to the end`);
process.exit(differing === 0 ? 0 : 1);
