// The engine as a site's script meets it: one engine for all tabs, answers that stop, tabs that die, bad input that is
// said in words, both devices of one mind. The embedded model answers; its words are not asserted here (models/ does).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { holdAnswers, SharedEngine } from './engine-worker.js';
import { answer, clientPage, refusal, stateOf, until, withKit, type Refused } from './support.js';

test('two tabs share one engine and one load of the model', async () => {
  await withKit({}, async (kit) => {
    const first = await clientPage(kit);
    assert.notEqual((await answer(first, 'Hello')).trim(), '');
    const second = await clientPage(kit);
    assert.equal((await stateOf(second)).status.kind, 'ready', 'the second tab finds the model loaded');
    assert.notEqual((await answer(second, 'Hello')).trim(), '');
    const [one, two] = await Promise.all([stateOf(first), stateOf(second)]);
    assert.equal(one.hostId, two.hostId);
    assert.equal(two.loads, 1);
    assert.equal(two.tabs, 2);
  });
});

test('every tab sees which tab is answering', async () => {
  await withKit({}, async (kit) => {
    const [asking, watching] = [await clientPage(kit), await clientPage(kit)];
    await asking.evaluate(() => window.engine.load('default'));
    const hold = await holdAnswers(await SharedEngine.of(kit), 4);
    const asked = answer(asking, 'Tell me a story about a lighthouse', { max_tokens: 200 });
    const busy = await until(watching, ({ generating }) => generating.length > 0, 'the other tab hears of the answer');
    assert.equal(busy.generating[0]?.tabId, await asking.evaluate(() => window.engine.tabId));
    await hold.held();
    await hold.letGo();
    await asked;
    await until(watching, ({ generating }) => generating.length === 0, 'the end is heard, too');
  });
});

test('an aborted answer stops, and the next one comes', async () => {
  await withKit({}, async (kit) => {
    const page = await clientPage(kit);
    const outcome = await page.evaluate(async () => {
      const stop = new AbortController();
      let chunks = 0;
      try {
        const stream = await window.engine.chat.completions.create(
          { messages: [{ role: 'user', content: 'Tell me a long story' }], stream: true, max_tokens: 400 },
          { signal: stop.signal },
        );
        for await (const chunk of stream) {
          if (chunk.choices[0].delta.content && (chunks += 1) === 3) stop.abort();
        }
        return { chunks, code: 'none' };
      } catch (error) {
        return { chunks, code: (error as { code: string }).code };
      }
    });
    assert.equal(outcome.code, 'aborted');
    await until(page, ({ generating }) => generating.length === 0, 'the slot is free');
    assert.notEqual((await answer(page, 'Hello')).trim(), '');
  });
});

for (const [how, end] of [
  ['closed', 'close'],
  ['crashed', 'crash'],
] as const) {
  test(`a tab ${how} in mid-answer frees its slot for the next tab`, async () => {
    await withKit({ isolate: true }, async (kit) => {
      const staying = await clientPage(kit);
      await staying.evaluate(() => window.engine.load('default'));
      const leaving = await clientPage(kit);
      const hold = await holdAnswers(await SharedEngine.of(kit), 4);
      await leaving.evaluate(async () => {
        const stream = await window.engine.chat.completions.create({
          messages: [{ role: 'user', content: 'Tell me a long story' }],
          stream: true,
          max_tokens: 900,
          logit_bias: { '1': -100, '5': -100, '6': -100 }, // whatever ends an answer: this one is to go on
        });
        await stream[Symbol.asyncIterator]().next();
      });
      await until(staying, ({ generating }) => generating.length > 0, 'the other tab is being answered');
      await hold.held();
      await hold.letGo({ slowly: 50 }); // some seconds for the whole answer, at the least
      if (end === 'close') {
        await leaving.close();
      } else {
        const session = await kit.context.newCDPSession(leaving);
        void session.send('Page.crash').catch(() => undefined); // the reply dies with the page
      }
      await until(staying, ({ generating, tabs }) => generating.length === 0 && tabs === 1, 'the slot is free');
      assert.ok((await hold.tokens()) < 600, 'it was not answered to its end');
      await hold.letGo();
      assert.notEqual((await answer(staying, 'Hello')).trim(), '');
    });
  });
}

test('a reloaded tab uses the engine again', async () => {
  await withKit({}, async (kit) => {
    const page = await clientPage(kit);
    const before = await answer(page, 'Write a story about a brave mouse');
    const keeper = await clientPage(kit);
    const again = await clientPage(kit);
    await page.close();
    assert.equal(await answer(again, 'Write a story about a brave mouse'), before, 'temperature 0 says the same');
    assert.equal((await stateOf(keeper)).loads, 1);
  });
});

test('temperature 0 says the same on WebAssembly and on WebGPU', async () => {
  const said: string[] = [];
  for (const device of ['wasm', 'webgpu']) {
    await withKit({}, async (kit) => {
      const page = await clientPage(kit, { device });
      said.push(await answer(page, 'Write a story about a brave mouse', { max_tokens: 12 }));
      await until(
        page,
        ({ status }) => status.kind === 'ready' && status.model.device === device,
        `it is on ${device}`,
      );
    });
  }
  assert.notEqual(said[0]?.trim(), '');
  assert.equal(said[0], said[1]);
});

test('bad models and prompts are refused in words, and the next request works', async () => {
  const truncated = Buffer.from('GGUF\x03\0\0\0\x05\0\0\0\0\0\0\0', 'latin1');
  const text = (value: string): Buffer => {
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(value.length));
    return Buffer.concat([length, Buffer.from(value)]);
  };
  const counts = Buffer.alloc(16);
  counts.writeBigUInt64LE(1n, 8);
  const mamba = Buffer.concat([
    Buffer.from('GGUF\x03\0\0\0', 'latin1'),
    counts,
    text('general.architecture'),
    Buffer.from([8, 0, 0, 0]),
    text('mamba'),
  ]);
  const files: Record<string, Buffer> = { '/truncated.gguf': truncated, '/mamba.gguf': mamba };
  await withKit(
    {
      handle: (request, response) => {
        const file = files[request.url ?? ''];
        if (file === undefined) return false;
        response
          .writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': file.length })
          .end(file);
        return true;
      },
    },
    async (kit) => {
      const page = await clientPage(kit);
      const expected: readonly (readonly [Refused, string])[] = [
        [{ load: '/models/nothing-here/' }, 'model-not-found'],
        [{ load: '/chunks/' }, 'model-not-found'],
        [{ load: 'no-such-model' }, 'model-not-found'],
        [{ load: '/truncated.gguf' }, 'model-invalid'],
        [{ load: '/mamba.gguf' }, 'model-unsupported'],
        [{ ask: '   ' }, 'prompt-empty'],
        [{ ask: 'word '.repeat(5000) }, 'prompt-too-long'],
        [{ ask: 'Hello', model: 'cloud' }, 'invalid-request'],
      ];
      for (const [asked, code] of expected) {
        const call = JSON.stringify(asked).slice(0, 80);
        const error = await refusal(page, asked);
        assert.equal(error.code, code, `${call}: ${error.message}`);
        assert.ok(
          error.message.length > 10 && error.hint.length > 10,
          `${call} says what to do: ${JSON.stringify(error)}`,
        );
        assert.doesNotMatch(error.message, /undefined|\[object|TypeError/);
      }
      assert.notEqual((await answer(page, 'Hello')).trim(), '');
    },
  );
});

test('a browser without WebGPU answers on WebAssembly, and says so when WebGPU is demanded', async () => {
  await withKit({ gpu: 'none' }, async (kit) => {
    const page = await clientPage(kit, { device: 'auto' });
    assert.notEqual((await answer(page, 'Hello')).trim(), '');
    await until(
      page,
      ({ status }) => status.kind === 'ready' && status.model.device === 'wasm',
      'it is on WebAssembly',
    );
    assert.equal((await refusal(page, { load: 'default', device: 'webgpu' })).code, 'webgpu-unavailable');
    assert.notEqual((await answer(page, 'Hello')).trim(), '');
  });
});

test('WebGPU that computes on the processor is measured, and WebAssembly answers in its place; a note gives the figures', async () => {
  await withKit({ gpu: 'software' }, async (kit) => {
    const page = await clientPage(kit, { device: 'auto' });
    assert.notEqual((await answer(page, 'Hello')).trim(), '');
    const { notes } = await until(
      page,
      ({ status }) => status.kind === 'ready' && status.model.device === 'wasm',
      'it is on WebAssembly',
    );
    assert.match(
      notes.join('\n'),
      /measured slower than WebAssembly here \([\d.e+-]+ against [\d.e+-]+ billion products/,
    );
  });
});

test('the engine dies: what it answered and what waited in line is answered by the next one', async () => {
  await withKit({}, async (kit) => {
    const page = await clientPage(kit);
    await answer(page, 'Hello');
    const before = (await stateOf(page)).hostId;
    const engine = await SharedEngine.of(kit);
    const hold = await holdAnswers(engine, 10);
    const pending = page.evaluate(async () => {
      return await Promise.all(
        [1, 2, 3, 4, 5, 6].map(async (number) => {
          try {
            await window.engine.chat.completions.create({
              messages: [{ role: 'user', content: `Tell me a long story of ${number} boats` }],
              max_tokens: 500,
              logit_bias: { '6': -100, '5': -100, '1': -100 },
            });
            return 'answered';
          } catch (error) {
            return (error as { code: string }).code;
          }
        }),
      );
    });
    await hold.held();
    await until(
      page,
      ({ generating, waiting }) => generating.length > 0 && generating.length + waiting.length === 6,
      'one is answered, and the others wait in line',
    );
    await engine.kill();
    const ends = await pending;
    assert.ok(
      ends.every((end) => end === 'answered'),
      ends.join(),
    );
    assert.notEqual((await answer(page, 'Hello')).trim(), '');
    assert.notEqual((await stateOf(page)).hostId, before);
  });
});
