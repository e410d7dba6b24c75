// What hashing costs a first download: a pack of about 100 MB from a server on this machine into the store, by the kit's own
// code in a SharedWorker, with SHA-256 and without, in turns; the best of --runs counts, since a busy machine only ever
// makes a download slower. Beside it each part alone: fetched and dropped, written, read back (which hashing needs: WebCrypto
// takes whole shards, and memory is kept for one), hashed.
//   npm run bench -- download [--gguf FILE] [--runs 5] [--json]
// Bar: with hashing 200 MB/s or more on one core (the server's own work comes on top and is not taken out).

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { openKit } from '../server/kit-browser.mjs';
import { randomGguf } from './lab/random-gguf.ts';

export const title = 'download: what hashing costs';
export const columns = ['what', 'MB', 'MB/s', 'note'];

const here = import.meta.dirname;
const kinds = {
  'fetched and dropped': 'fetch',
  'downloaded into the store, without SHA-256': 'download-unhashed',
  'downloaded into the store, with SHA-256': 'download',
  'written to the store alone': 'write',
  'read from the store alone': 'read',
  'SHA-256 alone, shards of 16 MiB': 'hash',
};

export async function* run(args) {
  const string = { type: 'string' };
  const { values } = parseArgs({ args, options: { gguf: string, runs: string } });
  const runs = Number(values.runs ?? 5);
  const scratch = mkdtempSync(join(tmpdir(), 'llm-elements-bench-'));
  try {
    const file = values.gguf === undefined ? join(scratch, 'random.gguf') : resolve(values.gguf);
    if (values.gguf === undefined) writeFileSync(file, randomGguf('smollm2-135m'));
    const pack = join(scratch, 'pack');
    mkdirSync(pack);
    execFileSync(process.execPath, ['--import', 'tsx', join(here, '../models/packer/pack.ts'), file, '--out', pack]);
    const bytes = readdirSync(pack)
      .filter((name) => name.endsWith('.bin'))
      .reduce((sum, name) => sum + statSync(join(pack, name)).size, 0);
    const bundle = await build({
      entryPoints: [join(here, 'lab/download-worker.ts')],
      bundle: true,
      write: false,
      format: 'esm',
      target: 'es2022',
      conditions: ['production'],
      logLevel: 'error',
    });
    const handle = (request, response) => {
      if (request.url !== '/download-worker.js') return false;
      response.writeHead(200, { 'Content-Type': 'text/javascript' }).end(bundle.outputFiles[0].text);
      return true;
    };
    const kit = await openKit({ root: join(here, 'lab'), mounts: { '/pack/': pack }, policy: null, handle });
    try {
      const page = await kit.context.newPage();
      await page.goto(`${kit.origin}/index.html`);
      const measure = (kind) =>
        page.evaluate(
          async (job) => {
            globalThis.downloader ??= new SharedWorker('/download-worker.js', { type: 'module' });
            const { port } = globalThis.downloader;
            const reply = new Promise((done) => (port.onmessage = ({ data }) => done(data)));
            port.postMessage(job);
            const { rate, error } = await reply;
            if (error) throw new Error(error);
            return rate;
          },
          { folder: `${kit.origin}/pack/`, kind },
        );
      await measure('download'); // what is hashed here is known afterwards
      const best = new Map();
      for (let round = 0; round < runs; round++) {
        for (const kind of Object.values(kinds)) best.set(kind, Math.max(best.get(kind) ?? 0, await measure(kind)));
      }
      for (const [what, kind] of Object.entries(kinds)) {
        const hashed = kind === 'download';
        const share = best.get('download') / best.get('download-unhashed');
        const note = hashed ? `${Math.round(100 * share)} % of the rate without; bar 200 MB/s` : '';
        yield { what, MB: bytes / 1e6, 'MB/s': best.get(kind) / 1e6, note: `best of ${runs}${note && '; '}${note}` };
      }
    } finally {
      await kit.close();
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
