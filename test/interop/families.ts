// Holds our reading of GGUF files of every architecture (names, joined matrices, windows, scales, rotary rules) against
// llama.cpp's, on the small files of family-files.ts.
//   npx tsx test/interop/families.ts make FOLDER
//   NODE_LLAMA_CPP=... node test/interop/llama-cpp-reference.mjs FOLDER/*.gguf > families.jsonl
//   npx tsx test/interop/families.ts compare FOLDER families.jsonl
// Ours is the reference decoder over the engine's own reader: nothing but float32 weights and 64-bit sums. llama.cpp keeps
// keys and values in 16 bits, so a near-tie may turn; how near it was is said.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTokenizer } from '../../engine/tokenizer/create-tokenizer.js';
import { blobSource } from '../../engine/weights/byte-source.js';
import { openGguf } from '../../engine/weights/gguf/gguf-model.js';
import { createReferenceDecoder } from '../support/reference-decoder.js';
import { families, familyFile } from './family-files.js';

const [mode, folder = '', reference = ''] = process.argv.slice(2);
if (mode === 'make') await make();
else if (mode === 'compare') await compare();
else throw new Error('families.ts make FOLDER | compare FOLDER REFERENCE.jsonl');

async function make(): Promise<void> {
  for (const name of Object.keys(families)) await writeFile(join(folder, `${name}.gguf`), await familyFile(name));
}

interface Row {
  readonly file: string;
  readonly prompt: string;
  readonly promptIds: number[];
  readonly ids: number[];
}

async function compare(): Promise<void> {
  const rows = (await readFile(reference, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Row);
  for (const { file, prompt, promptIds, ids } of rows) {
    const model = await openGguf(blobSource(new Blob([await readFile(join(folder, file))]), file));
    const decoder = await createReferenceDecoder(model);
    const samePrompt =
      JSON.stringify(createTokenizer(model.tokenizerFiles).encode(prompt)) === JSON.stringify(promptIds);
    // Fed with llama.cpp's tokens, so that one near-tie does not hide what follows.
    const logits = await decoder.logits([...promptIds, ...ids.slice(0, -1)]);
    let equal = 0;
    let widest = 0;
    ids.forEach((id, i) => {
      const row = logits.subarray((promptIds.length - 1 + i) * 257, (promptIds.length + i) * 257);
      const gap = Math.max(...row) - (row[id] ?? NaN);
      if (gap === 0) equal += 1;
      widest = Math.max(widest, gap);
    });
    const verdict = `${equal} of ${ids.length} tokens equal, the others within ${widest.toFixed(4)} of the likeliest`;
    console.log(`${file.padEnd(20)} ${samePrompt ? '' : 'PROMPT TOKENS DIFFER '}${verdict}`);
  }
}
