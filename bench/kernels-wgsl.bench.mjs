// Speed of the WebGPU weight kernels (kernels/wgsl) alone: multiply-adds and weight bytes a second of one dispatch, for every
// candidate spread and shape; the device's own copy bandwidth beside them. Candidates of a shape are measured in turns and
// each figure is the best of many, so that a busy machine falsifies little. On software WebGPU the candidates for
// processors run, on a real GPU (--gpu) those for chips, tiles included.
//   npm run bench -- kernels-wgsl [--gpu] [--shapes 576x576,576x1536] [--kinds q4,q8] [--batch 1,4] [--rows 32,128]
//                                 [--input plain|norm] [--budget 300]
// --shapes are outputs x inputs; --rows are rows of a prefill chunk for tiles.

import { parseArgs } from 'node:util';
import { openKernels } from './kernels/open-kernels.mjs';

export const title = 'kernels-wgsl: matrix kernels in WebGPU';
export const columns = ['kernel', 'matrix', 'rows', 'shape', 'GMAC/s', 'GB/s', '% of copy', 'ms', 'compile ms'];

export async function* run(args) {
  const { values } = parseArgs({
    args,
    options: {
      gpu: { type: 'boolean', default: false },
      shapes: { type: 'string', default: '576x576,1536x576,576x1536' },
      kinds: { type: 'string', default: 'q4' },
      batch: { type: 'string', default: '1,4' },
      rows: { type: 'string', default: '32' },
      input: { type: 'string', default: 'plain' },
      budget: { type: 'string', default: '300' },
    },
  });
  const list = (text) => text.split(',').filter((part) => part !== '');
  const page = await openKernels(values.gpu ? 'real' : 'software');
  try {
    const { name, copyGbytes } = await page.open();
    yield { kernel: 'copy', matrix: name, 'GB/s': copyGbytes, '% of copy': 100 };
    for (const kind of list(values.kinds)) {
      for (const size of list(values.shapes)) {
        const [outputs, inputs] = size.split('x').map(Number);
        const matrix = { kind, rows: outputs, columns: inputs };
        const jobs = await page.jobs(matrix, list(values.batch).map(Number), list(values.rows).map(Number));
        for (const job of jobs) {
          const time = await page.time({ ...job, matrix, input: values.input, budget: Number(values.budget) });
          yield {
            kernel: `${job.operation} ${kind}`,
            matrix: size,
            rows: job.rows,
            shape: Object.values(job.shape).join('/'),
            'GMAC/s': time.gmacs,
            'GB/s': time.gbytes,
            '% of copy': (100 * time.gbytes) / copyGbytes,
            ms: time.ms,
            'compile ms': time.compileMs,
          };
        }
      }
    }
  } finally {
    await page.close();
  }
}
