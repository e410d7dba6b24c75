// One engine, many tabs: how soon a further tab is ready and what it reads, what ten tabs cost in memory beside one, how
// long a call to the engine takes while it decodes, and what eight answers at once bring over one.
//   npm run bench -- tabs [--json] [--gguf file.gguf] [--gpu] [--skip memory,concurrent]
// A tab is a page of its own with the built client, connected; the embedded model unless --gguf names one. Memory is the
// proportional set size of all browser processes (memory.mjs), least of several looks after a collection, with as many
// blank pages of the same site subtracted. Concurrent answers run in the lab on WebGPU: in software unless --gpu.

import { basename, dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { openKit } from '../server/kit-browser.mjs';
import { openLab } from './lab/lab.mjs';
import { familyMemory } from './memory.mjs';

export const title = 'tabs: one engine for all of them';
export const columns = ['figure', 'value', 'unit', 'bar', 'note'];

const furtherTabs = 9;
const pause = (milliseconds) => new Promise((resume) => setTimeout(resume, milliseconds));

/** A row for the table, with the figure under its own name for programs. */
const figure = (name, value, unit, bar, note = '') => ({ figure: name, value, unit, bar, note, [name]: value });

const quantile = (values, share) => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
};

/** Collects garbage in the page and its workers, waits, and takes the least of some looks: a busy moment only adds. */
async function settledMemory(pages) {
  for (const page of pages) await page.requestGC?.();
  let least = Infinity;
  for (let look = 0; look < 8; look++) {
    await pause(400);
    least = Math.min(least, familyMemory(process.pid) ?? NaN);
  }
  return Number.isFinite(least) ? least : null;
}

async function blankPage(kit) {
  const page = await kit.context.newPage();
  await page.goto(`${kit.origin}/blank.html`);
  return page;
}

/** Connects the page; the client's script is there before the clock starts. @returns milliseconds until it could ask */
const connectPage = (page, options) =>
  page.evaluate(async (given) => {
    const { connect } = await import('/client.js');
    const began = performance.now();
    globalThis.engine = await connect(given);
    return { ready: performance.now() - began, status: globalThis.engine.state.status.kind };
  }, options);

const loadIn = (page, model) =>
  page.evaluate(async (wanted) => {
    const url = wanted.startsWith('/') ? new URL(wanted, location.href).href : wanted;
    return await globalThis.engine.load(url);
  }, model);

/** Blank pages of the same site in the same browser, without the kit: what pages cost by themselves. */
async function blankMemory(kit, first) {
  const pages = [];
  for (let tab = 0; tab < furtherTabs; tab++) pages.push(await blankPage(kit));
  const ten = await settledMemory([first, ...pages]);
  for (const page of pages) await page.close();
  const one = await settledMemory([first]);
  return one === null || ten === null ? null : { one, ten };
}

/** Calls from one tab, a little apart, each timed; `echo`: to a worker that does nothing, for what the machine adds. */
const roundTrips = (page, calls, echo = false) =>
  page.evaluate(
    async ({ calls, echo }) => {
      const script = URL.createObjectURL(new Blob(['onmessage = () => postMessage(0)'], { type: 'text/javascript' }));
      const worker = echo ? new Worker(script) : null;
      const once = () =>
        new Promise((resume) => {
          worker.onmessage = resume;
          worker.postMessage(0);
        });
      const times = [];
      for (let call = 0; call < calls; call++) {
        const began = performance.now();
        await (echo ? once() : globalThis.engine.models.list());
        times.push(performance.now() - began);
        await new Promise((resume) => setTimeout(resume, 3));
      }
      worker?.terminate();
      return times;
    },
    { calls, echo },
  );

/** While another tab is answered: three turns of calls, each beside an echo. @returns the quietest turn */
async function busyRoundTrips(asking, calling) {
  await keepAnswering(asking);
  await asking.waitForFunction(() => globalThis.tokens > 5);
  let best = null;
  for (let turn = 0; turn < 3; turn++) {
    const times = await roundTrips(calling, 300);
    const echo = quantile(await roundTrips(calling, 150, true), 0.99);
    const [p50, p99] = [quantile(times, 0.5), quantile(times, 0.99)];
    if (best === null || p99 < best.p99) best = { p50, p99, echo };
  }
  await asking.evaluate(() => globalThis.stopAnswering.abort());
  return best;
}

const keepAnswering = (page) =>
  page.evaluate(() => {
    globalThis.stopAnswering = new AbortController();
    const { signal } = globalThis.stopAnswering;
    globalThis.tokens = 0;
    const ask = async () => {
      while (!signal.aborted) {
        const stream = await globalThis.engine.chat.completions.create(
          {
            messages: [{ role: 'user', content: 'Tell me a long story' }],
            temperature: 0,
            max_tokens: 400,
            stream: true,
          },
          { signal },
        );
        for await (const chunk of stream) globalThis.tokens += chunk.choices[0].delta.content ? 1 : 0;
      }
    };
    ask().catch(() => undefined); // stopped
  });

async function* tabs(options, model, withMemory) {
  let weightBytes = 0;
  let count = false;
  const handle = (request, response) => {
    if (count && /\.(bin|gguf|safetensors)$/.test(new URL(request.url, 'http://localhost').pathname)) {
      const { write, end } = response;
      const add = (chunk) => (weightBytes += chunk?.length ?? 0);
      response.write = (chunk, ...rest) => (add(chunk), write.call(response, chunk, ...rest));
      response.end = (chunk, ...rest) => (
        typeof chunk === 'function' || add(chunk),
        end.call(response, chunk, ...rest)
      );
    }
    return false;
  };
  const kit = await openKit({ ...options, handle });
  try {
    const pages = [await blankPage(kit)];
    const blank = withMemory ? await blankMemory(kit, pages[0]) : null;
    await connectPage(pages[0], { device: 'wasm' });
    const loaded = await loadIn(pages[0], model);
    const one = withMemory ? await settledMemory(pages) : null;
    count = true;
    const readies = [];
    for (let tab = 0; tab < furtherTabs; tab++) {
      pages.push(await blankPage(kit));
      const { ready, status } = await connectPage(pages.at(-1), { device: 'wasm' });
      if (status !== 'ready') throw new Error(`a further tab found the engine ${status}`);
      readies.push(ready);
    }
    const { loads } = await pages[1].evaluate(() => globalThis.engine.state);
    yield figure(
      'second_tab_ready_ms',
      readies[0],
      'ms',
      '< 100',
      `median of ${furtherTabs}: ${quantile(readies, 0.5).toFixed(1)}`,
    );
    // Nothing came from the server, and nothing was loaded a second time from the store.
    yield figure(
      'second_tab_weight_bytes',
      weightBytes + (loads - 1) * loaded.weightBytes,
      'bytes',
      '0',
      `${loads} load`,
    );
    if (blank !== null && one !== null) {
      const ten = await settledMemory(pages);
      const pagesAlone = blank.ten - blank.one;
      const MiB = 2 ** 20;
      const mib = (bytes) => (bytes / MiB).toFixed(0);
      yield figure(
        'memory_one_tab_mib',
        one / MiB,
        'MiB',
        '',
        `${((one - blank.one) / MiB).toFixed(0)} above a blank page`,
      );
      yield figure(
        'memory_ten_tabs_mib',
        ten / MiB,
        'MiB',
        '',
        `of which nine blank pages: ${(pagesAlone / MiB).toFixed(0)}`,
      );
      yield figure(
        'memory_ratio',
        (ten - pagesAlone) / one,
        'of one',
        '<= 1.2',
        `ten tabs without nine pages, over one; the kit alone: ${mib(one - blank.one)} -> ${mib(ten - blank.ten)} MiB`,
      );
    }
    const ofTen = await busyRoundTrips(pages[0], pages[1]);
    for (const page of pages.splice(2)) await page.close();
    const { p50, p99, echo } = await busyRoundTrips(pages[0], pages[1]);
    const where = `${loaded.decoder} decoder, two tabs`;
    yield figure('port_round_trip_p50_ms', p50, 'ms', '', where);
    yield figure('port_round_trip_p99_ms', p99, 'ms', '< 5', `${where}; an idle worker's echo: ${echo.toFixed(1)}`);
    const besides = `ten tabs on one machine; an idle worker's echo: ${ofTen.echo.toFixed(1)}`;
    yield figure('port_round_trip_p99_ten_tabs_ms', ofTen.p99, 'ms', '', besides);
  } finally {
    await kit.close();
  }
}

async function* concurrent(gpu, mounts, model) {
  const lab = await openLab({ mounts, gpu });
  try {
    await lab.call('open', { ...model, device: 'webgpu', decoder: 'webgpu' });
    const { answers, one, together, ratio, same } = await lab.call('concurrent', {
      answers: 8,
      // Software WebGPU takes some hundredths of a second a token: enough to see the ratio.
      ...(gpu === 'real' ? {} : { prompt: 8, tokens: 48, runs: 3 }),
    });
    const where = gpu === 'real' ? 'WebGPU' : 'software WebGPU';
    const bar = gpu === 'real' ? '>= 3' : '>= 1.5';
    const note = `${where}, while decoding${same ? '' : '; NOT the same tokens as alone'}`;
    yield figure('one_tokens_per_second', one.decoding, 'tok/s', '', note);
    yield figure('concurrent_tokens_per_second', together.decoding, 'tok/s', '', `${answers} answers at once`);
    yield figure(
      'concurrent_ratio',
      ratio.decoding,
      'of one',
      bar,
      `whole requests, prompts included: ${ratio.requests.toFixed(2)}`,
    );
  } finally {
    await lab.close();
  }
}

export async function* run(args) {
  const string = { type: 'string' };
  const { values } = parseArgs({ args, options: { gguf: string, skip: string, gpu: { type: 'boolean' } } });
  const skip = new Set((values.skip ?? '').split(','));
  const gpu = values.gpu ? 'real' : 'software';
  const file = values.gguf === undefined ? null : resolve(values.gguf);
  const pack = join(import.meta.dirname, '../models/default/pack');
  const mounts = file === null ? { '/bench-model/': pack } : { '/bench-model/': dirname(file) };
  const url = file === null ? '/bench-model/' : `/bench-model/${encodeURIComponent(basename(file))}`;
  yield* tabs({ mounts, gpu, policy: null }, file === null ? 'default' : url, !skip.has('memory'));
  if (!skip.has('concurrent')) yield* concurrent(gpu, mounts, { url });
}
