// From nothing to the first token: a model that is stored and verified on each read, beside wllama with the same GGUF in
// its own cache; the first visit's download; and what hashing costs it. Every load gets a fresh page (and engine), the two
// take turns, and the best of --runs counts: a busy machine only ever makes a load slower.
//   npm run bench -- load --gguf FILE [--runs 3] [--device wasm] [--gpu] [--json]
// The pack is made of the file without loss by the packer. Without --gguf, random weights of SmolLM2-135M's shape.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { openKit } from '../server/kit-browser.mjs';
import { randomGguf } from './lab/random-gguf.ts';

export const title = 'load: from nothing to the first token';
export const columns = ['contender', 'device', 'load ms', 'first token ms', 'MB', 'MB/s', 'note'];

const message = 'Hello';

/** In the page: the kit, from no engine at all to the first token of an answer. */
async function kitLoad({ model, device, message }) {
  const began = performance.now();
  const { connect } = await import('/client.js');
  const engine = await connect({ device });
  const loaded = await engine.load(new URL(model, location.href).href);
  const load = performance.now() - began;
  let first = null;
  for await (const chunk of await engine.chat.completions.create({
    messages: [{ role: 'user', content: message }],
    temperature: 0,
    max_tokens: 1,
    stream: true,
  })) {
    if (first === null && (chunk.choices[0].delta.content || chunk.choices[0].finish_reason)) {
      first = performance.now() - began;
    }
  }
  // Not before all of it is stored: a GGUF file is rewritten while it is read.
  for (let i = 0; i < 600; i++) {
    const { models } = await engine.models.storage();
    if (models.length > 0 && models.every(({ storedBytes, byteLength }) => storedBytes >= byteLength)) break;
    await new Promise((done) => setTimeout(done, 50));
  }
  return { load, first, stored: performance.now() - began, device: `${loaded.decoder}, ${loaded.deviceName}` };
}

/** In the page: wllama, the same way. The first call fills its cache. */
async function wllamaLoad({ gguf, message }) {
  const began = performance.now();
  const { Wllama, LoggerWithoutDebug } = await import('/wllama/index.js');
  const wllama = new Wllama({ default: '/wllama/wasm/wllama.wasm' }, { logger: LoggerWithoutDebug });
  await wllama.loadModelFromUrl(new URL(gguf, location.href).href, { n_ctx: 1024, n_threads: 1 });
  const load = performance.now() - began;
  let first = null;
  await wllama.createChatCompletion({
    messages: [{ role: 'user', content: message }],
    temperature: 0,
    max_tokens: 1,
    stream: true,
    onData: () => {
      first ??= performance.now() - began;
    },
  });
  first ??= performance.now() - began;
  await wllama.exit();
  return { load, first, device: 'wasm: 1 thread' };
}

/** In the page: the pack's files fetched and kept, with and without their hashes, one after the other on one core. */
async function hashing({ files }) {
  const root = await navigator.storage.getDirectory();
  const folder = await root.getDirectoryHandle('bench', { create: true });
  const rates = {};
  for (const hash of [false, true]) {
    let bytes = 0;
    const began = performance.now();
    for (const file of files) {
      const body = await (await fetch(file, { cache: 'no-store' })).arrayBuffer();
      const stream = await (await folder.getFileHandle('piece', { create: true })).createWritable();
      await stream.write(body);
      await stream.close();
      if (hash) await crypto.subtle.digest('SHA-256', body);
      bytes += body.byteLength;
    }
    rates[hash ? 'with' : 'without'] = bytes / (performance.now() - began) / 1000;
  }
  return rates;
}

const megabytes = (bytes) => bytes / 1_000_000;

export async function* run(args) {
  const string = { type: 'string' };
  const { values } = parseArgs({
    args,
    options: { gguf: string, runs: string, device: string, gpu: { type: 'boolean' } },
  });
  const runs = Number(values.runs ?? 3);
  const device = values.device ?? 'wasm';
  const scratch = mkdtempSync(join(tmpdir(), 'llm-elements-bench-'));
  try {
    let file = values.gguf === undefined ? null : resolve(values.gguf);
    if (file === null) {
      file = join(scratch, 'random.gguf');
      writeFileSync(file, await randomGguf('smollm2-135m'));
    }
    const pack = join(scratch, 'pack');
    mkdirSync(pack);
    execFileSync(process.execPath, [
      '--import',
      'tsx',
      join(import.meta.dirname, '../models/packer/pack.ts'),
      file,
      '--out',
      pack,
    ]);
    const bytes = readdirSync(pack).reduce((sum, name) => sum + statSync(join(pack, name)).size, 0);
    const mounts = {
      '/wllama/': join(import.meta.dirname, '../node_modules/@wllama/wllama/esm'),
      '/gguf/': dirname(file),
      '/pack/': pack,
    };
    const kit = await openKit({ mounts, policy: null, gpu: values.gpu ? 'real' : 'software' });
    try {
      const inFreshPage = async (work, given) => {
        const page = await kit.context.newPage();
        await page.goto(`${kit.origin}/blank.html`);
        try {
          return await page.evaluate(work, { ...given, message });
        } finally {
          await page.close();
          await kit.endEngine(); // otherwise it outlives its page, and the next one finds the model loaded
        }
      };
      const gguf = `/gguf/${encodeURIComponent(basename(file))}`;
      const contenders = {
        'llm-elements, pack': (given) => inFreshPage(kitLoad, { model: '/pack/', device, ...given }),
        'llm-elements, GGUF': (given) => inFreshPage(kitLoad, { model: gguf, device, ...given }),
        'wllama 3.8.1, GGUF': (given) => inFreshPage(wllamaLoad, { gguf, ...given }),
      };
      const best = new Map();
      for (const [name, load] of Object.entries(contenders)) {
        const cold = await load({});
        const size = name.includes('GGUF') ? statSync(file).size : bytes;
        const rate = cold.stored === undefined ? null : size / cold.stored / 1000;
        yield {
          contender: `${name}, first visit`,
          device: cold.device,
          'load ms': cold.load,
          'first token ms': cold.first,
          MB: megabytes(size),
          'MB/s': rate,
          note: rate === null ? '' : 'MB/s until all of it is stored',
        };
      }
      for (let round = 0; round < runs; round++) {
        for (const [name, load] of Object.entries(contenders)) {
          const warm = await load({});
          if (best.get(name) === undefined || warm.first < best.get(name).first) best.set(name, warm);
        }
      }
      const rival = best.get('wllama 3.8.1, GGUF').first;
      for (const [name, warm] of best) {
        yield {
          contender: `${name}, stored`,
          device: warm.device,
          'load ms': warm.load,
          'first token ms': warm.first,
          note: name.startsWith('wllama')
            ? `best of ${runs}`
            : `best of ${runs}; ${(rival / warm.first).toFixed(1)} x wllama`,
        };
      }
      const files = readdirSync(pack)
        .filter((name) => name.endsWith('.bin'))
        .map((name) => `/pack/${name}`);
      const rates = await inFreshPage(hashing, { files });
      for (const [kind, rate] of Object.entries(rates)) {
        yield { contender: `fetched and written, ${kind} SHA-256`, device: 'one after the other', 'MB/s': rate };
      }
    } finally {
      await kit.close();
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
