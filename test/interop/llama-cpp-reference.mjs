// What llama.cpp says of a GGUF file: prompt tokens and the greedy continuation, as JSON lines.
// A development tool outside `npm ci`: install node-llama-cpp (it carries llama.cpp) anywhere and name that folder:
//   npm install --prefix /some/folder node-llama-cpp@3.22.1
//   NODE_LLAMA_CPP=/some/folder node test/interop/llama-cpp-reference.mjs model.gguf ... > reference.jsonl
// test/interop/compare.mjs reads the lines and runs the same files through the kit.

import { createRequire } from 'node:module';
import { basename, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const folder = process.env.NODE_LLAMA_CPP;
if (!folder) {
  console.error('Set NODE_LLAMA_CPP to a folder with node-llama-cpp installed; see the head of this file.');
  process.exit(2);
}
const entry = createRequire(join(resolve(folder), 'package.json')).resolve('node-llama-cpp');
const { getLlama } = await import(pathToFileURL(entry).href);

export const prompts = ['One day, Ben and his dog', 'Once upon a time', 'The little bird was'];
const maxTokens = 48;

const llama = await getLlama({ gpu: false, build: 'never', logLevel: 'error' });
for (const file of process.argv.slice(2)) {
  const model = await llama.loadModel({ modelPath: resolve(file), useMmap: true });
  const context = await model.createContext({ contextSize: 256, batchSize: 64, threads: 2 });
  const sequence = context.getSequence();
  for (const prompt of prompts) {
    await sequence.clearHistory();
    const ids = [...model.tokenize(prompt)];
    const bos = model.tokens.shouldPrependBosToken && model.tokens.bos !== null ? [model.tokens.bos] : [];
    const output = [];
    for await (const token of sequence.evaluate([...bos, ...ids], { temperature: 0 })) {
      if (model.isEogToken(token)) break;
      output.push(token);
      if (output.length >= maxTokens) break;
    }
    console.log(
      JSON.stringify({
        file: basename(file),
        prompt,
        promptIds: [...bos, ...ids],
        ids: output,
        text: model.detokenize(output, false, [...bos, ...ids]),
      }),
    );
  }
  await context.dispose();
  await model.dispose();
}
process.exit(0);
