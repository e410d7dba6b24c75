// Speed of attention and of choosing a token on WebGPU (kernels/wgsl) alone: milliseconds of one dispatch, and bytes of keys
// and values (or of logits) a second beside the device's own copy bandwidth. Each figure is the best of many.
//   npm run bench -- kernels-attention [--gpu] [--heads 32/8x64,14/2x64] [--positions 63,1023,4095] [--chunk 256]
//                                      [--vocabulary 32000,151936] [--budget 300]
// --heads are query heads / key-value heads x head size; --positions are those of a decoded token; --chunk is the rows of a
// prefill chunk that ends at the last position, 0 for none.

import { parseArgs } from 'node:util';
import { openKernels } from './kernels/open-kernels.mjs';

export const title = 'kernels-attention: attention and choosing in WebGPU';
export const columns = ['kernel', 'shape', 'at', 'rows', 'ms', 'GB/s', '% of copy', 'compile ms'];

export async function* run(args) {
  const { values } = parseArgs({
    args,
    options: {
      gpu: { type: 'boolean', default: false },
      heads: { type: 'string', default: '9/3x64' },
      positions: { type: 'string', default: '63,511' },
      chunk: { type: 'string', default: '32' },
      vocabulary: { type: 'string', default: '32000' },
      budget: { type: 'string', default: '300' },
    },
  });
  const list = (text) => text.split(',').filter((part) => part !== '');
  const budget = Number(values.budget);
  const positions = list(values.positions).map(Number);
  const page = await openKernels(values.gpu ? 'real' : 'software');
  try {
    const { name, copyGbytes } = await page.open();
    yield { kernel: 'copy', shape: name, 'GB/s': copyGbytes, '% of copy': 100 };
    const row = (kernel, shape, at, rows, { ms, gbytes, compileMs }) => ({
      kernel,
      shape,
      at,
      rows,
      ms,
      'GB/s': gbytes,
      '% of copy': (100 * gbytes) / copyGbytes,
      'compile ms': compileMs,
    });
    // The decoder's own choice first; on software the other one is there to be compared with.
    const kinds = (await page.software()) ? ['threads', 'splits'] : ['splits'];
    for (const shape of list(values.heads)) {
      const [heads, kvHeads, headSize] = shape.split(/[/x]/).map(Number);
      for (const int8 of [false, true]) {
        const pages = int8 ? 'int8' : 'float';
        for (const position of positions) {
          for (const kernel of kinds) {
            const job = { kernel, heads, kvHeads, headSize, int8, position, rows: 1, budget };
            yield row(`${kernel} ${pages}`, shape, position, 1, await page.attention(job));
          }
        }
        const rows = Number(values.chunk);
        const position = Math.max(0, Math.max(...positions) + 1 - rows);
        for (const kernel of rows > 0 ? ['tiles', ...kinds.filter((kind) => kind === 'threads')] : []) {
          const job = { kernel, heads, kvHeads, headSize, int8, position, rows, budget };
          yield row(`${kernel} ${pages}`, shape, position, rows, await page.attention(job));
        }
      }
    }
    for (const vocabularySize of list(values.vocabulary).map(Number)) {
      for (const [how, numbers] of [
        ['greedy', { temperature: 0, topK: 0, topP: 1 }],
        ['top-k 40', { temperature: 0.8, topK: 40, topP: 1 }],
        ['top-p 0.95', { temperature: 0.8, topK: 0, topP: 0.95 }],
      ]) {
        for (const kernel of ['scan', 'pick']) {
          const figures = await page.choosing({ kernel, vocabularySize, ...numbers, budget });
          yield row(`${kernel} ${how}`, String(vocabularySize), undefined, 1, figures);
        }
      }
    }
  } finally {
    await page.close();
  }
}
