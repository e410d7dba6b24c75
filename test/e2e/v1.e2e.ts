// `/v1` under the service worker, asked by the real `openai` client and by plain fetch: streams, whole answers, aborts
// that stop the engine, tool calls, errors in OpenAI's shape, strangers, faults. The embedded model answers; what it
// says is compared with what the engine's own client is told, never assumed. The server notes every request under
// /llm/: none may ever arrive there.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { build } from 'esbuild';
import type * as OpenAIModule from 'openai';
import type { OpenAI } from 'openai';
import type { Page } from 'playwright-core';
import type * as Client from '../../engine/client/index.js';
import { holdAnswers, SharedEngine } from './engine-worker.js';
import { answer, clientPage, until, withKit, type Kit } from './support.js';

declare global {
  interface Window {
    openai: OpenAI;
    /** Base URL of the endpoint. */
    base: string;
    chunks: number;
  }
}

/** The real client, for browsers. */
const bundle = await build({
  stdin: { contents: "export { OpenAI } from 'openai';", resolveDir: join(import.meta.dirname, '../..') },
  bundle: true,
  format: 'esm',
  platform: 'browser',
  write: false,
});
const openaiScript = bundle.outputFiles[0]?.text ?? '';

/** Asks from an origin of its own and tells its parent. */
const strangeFrame = `<script>
  fetch('/llm/v1/models?frame').then(
    (response) => parent.postMessage(response.status, '*'),
    () => parent.postMessage('refused', '*'),
  );
</script>`;

const askingWorker = `fetch('/llm/v1/models').then(({ status }) => postMessage(status));`;

/** The kit with the client's script; `leaked` are requests for /llm/ that reached the server. */
async function withEndpoint(body: (kit: Kit, leaked: string[]) => Promise<void>): Promise<void> {
  const leaked: string[] = [];
  const handle: NonNullable<Parameters<typeof withKit>[0]>['handle'] = (request, response) => {
    if (request.url === '/asker.js') {
      response.writeHead(200, { 'Content-Type': 'text/javascript' }).end(askingWorker);
      return true;
    }
    if (request.url === '/frame.html') {
      response.writeHead(200, { 'Content-Type': 'text/html' }).end(strangeFrame);
      return true;
    }
    // The frame has no service worker: its own request, which says so, does arrive.
    if (request.url?.startsWith('/llm/') && !request.url.endsWith('?frame'))
      leaked.push(`${String(request.method)} ${request.url}`);
    if (request.url !== '/openai.js') return false;
    response.writeHead(200, { 'Content-Type': 'text/javascript' }).end(openaiScript);
    return true;
  };
  await withKit({ handle }, async (kit) => {
    await body(kit, leaked);
    assert.deepEqual(leaked, [], 'no request to the endpoint reached the server');
  });
}

/** A page whose engine answers `/v1`, with `window.openai`. */
async function endpointPage(kit: Kit, options?: Record<string, unknown>): Promise<Page> {
  const page = await clientPage(kit, options);
  await useEndpoint(page);
  return page;
}

async function useEndpoint(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const client = (await import(new URL('/client.js', location.href).href)) as typeof Client;
    window.engine ??= await client.connect({ device: 'wasm' });
    const worker = await client.registerServiceWorker({ engine: window.engine });
    window.base = await worker.endpoint();
    const { OpenAI } = (await import(new URL('/openai.js', location.href).href)) as typeof OpenAIModule;
    window.openai = new OpenAI({ baseURL: window.base, apiKey: 'none', dangerouslyAllowBrowser: true, maxRetries: 0 });
  });
}

interface Answered {
  readonly status: number;
  readonly type: string;
  readonly allow: string | null;
  readonly text: string;
  readonly error: { message: string; type: string; param: string | null; code: string } | null;
}

interface Init {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

/** A plain request of the page. */
const ask = (page: Page, path: string, init: Init = {}): Promise<Answered> =>
  page.evaluate(
    async ({ path, init }) => {
      const response = await fetch(`${window.base}/${path}`, init);
      const text = await response.text();
      let error: Answered['error'] = null;
      try {
        error = (JSON.parse(text) as { error?: NonNullable<Answered['error']> }).error ?? null;
      } catch {
        error = null; // no JSON, so no error of the endpoint
      }
      const { status, headers } = response;
      return { status, type: headers.get('Content-Type') ?? '', allow: headers.get('Allow'), text, error };
    },
    { path, init },
  );

const post = (body: unknown): Init => ({
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: typeof body === 'string' ? body : JSON.stringify(body),
});

const messages = [{ role: 'user', content: 'What is the capital of France?' }];
const tool = (name: string, description: string, key: string, values: string[]) => ({
  type: 'function' as const,
  function: {
    name,
    description,
    parameters: { type: 'object', properties: { [key]: { type: 'string', enum: values } }, required: [key] },
  },
});
/** As the embedded model learned them. */
const pageTools = [
  tool('set_theme', "Switch the page's colours", 'theme', ['light', 'dark']),
  tool('scroll_to', 'Scroll to a part of the page', 'target', ['top', 'bottom']),
];
/** Whatever ends an answer is forbidden: this one is to go on. */
const long = {
  messages: [{ role: 'user', content: 'Tell me a long story' }],
  max_tokens: 900,
  logit_bias: { '0': -100, '1': -100, '5': -100, '6': -100 },
};

test('the openai client: models, whole answers, streams, a tool call', async () => {
  await withEndpoint(async (kit) => {
    const page = await endpointPage(kit);
    const expected = await answer(page, 'What is the capital of France?');
    const seen = await page.evaluate(async () => {
      const { openai } = window;
      const request = {
        model: 'default',
        messages: [{ role: 'user' as const, content: 'What is the capital of France?' }],
        temperature: 0,
        max_tokens: 24,
      };
      const models: string[] = [];
      for await (const model of openai.models.list()) models.push(model.id);
      const one = await openai.models.retrieve('default');
      const whole = await openai.chat.completions.create(request);
      const stream = await openai.chat.completions.create({
        ...request,
        stream: true,
        stream_options: { include_usage: true },
      });
      let text = '';
      let usage = null;
      const reasons: string[] = [];
      for await (const chunk of stream) {
        text += chunk.choices[0]?.delta.content ?? '';
        if (chunk.choices[0]?.finish_reason) reasons.push(chunk.choices[0].finish_reason);
        usage = chunk.usage ?? usage;
      }
      // The client's own reader of streams is strict about their order.
      const gathered = await openai.chat.completions.stream(request).finalChatCompletion();
      return { models, one: one.id, whole, text, usage, reasons, gathered: gathered.choices[0]?.message.content };
    });
    assert.deepEqual(seen.models, ['default']);
    assert.equal(seen.one, 'default');
    const [choice] = seen.whole.choices;
    assert.equal(choice?.message.content, expected);
    assert.equal(choice?.message.refusal, null);
    assert.equal(choice?.finish_reason, 'stop');
    assert.ok((seen.whole.usage?.completion_tokens ?? 0) > 3);
    assert.equal(seen.text, expected);
    assert.deepEqual(seen.usage, seen.whole.usage);
    assert.deepEqual(seen.reasons, ['stop']);
    assert.equal(seen.gathered, expected);

    const calls = await page.evaluate(async (tools) => {
      const asked = { role: 'user' as const, content: 'Switch to dark mode' };
      const request = { model: 'default', messages: [asked], tools, temperature: 0 };
      const whole = await window.openai.chat.completions.create(request);
      const streamed = await window.openai.chat.completions.stream(request).finalChatCompletion();
      const [choice] = whole.choices;
      const call = choice?.message.tool_calls?.[0];
      if (!choice || !call) return { whole, streamed, after: null };
      const result = { role: 'tool' as const, tool_call_id: call.id, content: '{"ok": true}' };
      const after = await window.openai.chat.completions.create({
        ...request,
        messages: [asked, choice.message, result],
      });
      return { whole, streamed, after };
    }, pageTools);
    for (const completion of [calls.whole, calls.streamed]) {
      const [made] = completion.choices;
      assert.equal(made?.finish_reason, 'tool_calls');
      assert.equal(made?.message.content, null);
      const [call] = made?.message.tool_calls ?? [];
      assert.ok(call?.type === 'function');
      assert.equal(call.function.name, 'set_theme');
      assert.deepEqual(JSON.parse(call.function.arguments), { theme: 'dark' });
    }
    assert.equal(calls.after?.choices[0]?.finish_reason, 'stop');
    assert.notEqual(calls.after?.choices[0]?.message.content, '');
  });
});

test('a bare text is continued as the model does it without a template', async () => {
  await withEndpoint(async (kit) => {
    const page = await endpointPage(kit);
    const seen = await page.evaluate(async () => {
      const request = { model: 'default', prompt: 'Once upon a time', temperature: 0, max_tokens: 12 };
      const whole = await window.openai.completions.create(request);
      let text = '';
      for await (const chunk of await window.openai.completions.create({ ...request, stream: true })) {
        text += chunk.choices[0]?.text ?? '';
      }
      const short = await window.openai.completions.create({ ...request, max_tokens: null, logprobs: 2 });
      return { whole, text, short };
    });
    assert.equal(seen.whole.object, 'text_completion');
    assert.match(seen.whole.id, /^cmpl-/);
    assert.equal(seen.whole.choices[0]?.finish_reason, 'length');
    assert.notEqual(seen.text.trim(), '');
    assert.equal(seen.whole.choices[0]?.text, seen.text);
    assert.equal(seen.short.usage?.completion_tokens, 16, "OpenAI's limit where none is given");
    const told = seen.short.choices[0]?.logprobs;
    assert.equal(told?.tokens?.length, 16);
    assert.equal(told.tokens.join(''), seen.short.choices[0]?.text);
    assert.equal(Object.keys(told.top_logprobs?.[0] ?? {}).length, 2);
  });
});

test('an abort stops the engine, also of a whole answer, a closed page does, and the next request works', async () => {
  await withEndpoint(async (kit) => {
    const watching = await endpointPage(kit);
    await watching.evaluate(() => window.engine.load('default'));
    const hold = await holdAnswers(await SharedEngine.of(kit), Infinity);
    await hold.letGo({ slowly: 50 }); // some seconds for the whole answer, at the least
    const free = async () => {
      await until(watching, ({ generating }) => generating.length === 0, 'the engine stopped');
      assert.ok((await hold.tokens()) < 600, 'and did not answer to the end');
      await hold.letGo({ slowly: 50 });
    };
    const busy = () => until(watching, ({ generating }) => generating.length > 0, 'the engine answers');

    const aborted = await watching.evaluate(async (request) => {
      const stream = await window.openai.chat.completions.create({
        ...request,
        model: 'default',
        stream: true,
      } as never);
      window.chunks = 0;
      for await (const chunk of stream as unknown as AsyncIterable<{ choices: unknown[] }>) {
        if (chunk.choices.length > 0 && (window.chunks += 1) === 4) break; // its way to abort
      }
      return window.chunks;
    }, long);
    assert.equal(aborted, 4);
    await free();

    // Not a byte of a whole answer has come yet when it is stopped.
    const stopped = watching.evaluate(async (request) => {
      const stop = new AbortController();
      window.engine.subscribe(({ generating }) => generating.length > 0 && stop.abort());
      return await window.openai.chat.completions
        .create({ ...request, model: 'default' } as never, { signal: stop.signal })
        .then(
          () => 'answered',
          (error: Error) => error.constructor.name,
        );
    }, long);
    assert.equal(await stopped, 'APIUserAbortError');
    await free();

    for (const stream of [true, false]) {
      const leaving = await endpointPage(kit);
      await leaving.evaluate(
        async ({ request, stream }) => {
          const body = JSON.stringify({ ...request, stream });
          void fetch(`${window.base}/chat/completions`, {
            method: 'POST',
            headers: { 'Content-Type': 'application/json' },
            body,
          });
        },
        { request: long, stream },
      );
      await busy();
      await leaving.close();
      await free();
    }
    await hold.letGo();
    assert.equal((await ask(watching, 'chat/completions', post({ messages, max_tokens: 3 }))).status, 200);
  });
});

test('what is wrong is said in OpenAI’s shape, with the status its clients know', async () => {
  await withEndpoint(async (kit) => {
    const page = await endpointPage(kit);
    const thrown = await page.evaluate(async () => {
      const messages = [{ role: 'user' as const, content: 'Hello' }];
      const { chat, models, embeddings } = window.openai;
      const work = [
        ['unknown', () => chat.completions.create({ model: 'gpt-none', messages })],
        ['streamed', () => chat.completions.create({ model: 'gpt-none', messages, stream: true })],
        ['noModel', () => models.retrieve('gpt-none')],
        ['several', () => chat.completions.create({ model: 'default', messages, n: 2 })],
        ['bad', () => chat.completions.create({ model: 'default', messages: [{ role: 'user' }] } as never)],
        ['embeddings', () => embeddings.create({ model: 'default', input: 'x' })],
        ['noEmbeddings', () => embeddings.create({ model: 'gpt-none', input: 'x' })],
      ] as const;
      const thrown: Record<string, unknown> = {};
      for (const [name, call] of work) {
        try {
          await call();
        } catch (error) {
          const { status, code, param, type } = error as Record<string, unknown>;
          thrown[name] = { name: (error as Error).constructor.name, status, code, param, type };
        }
      }
      return thrown;
    });
    const invalid = { type: 'invalid_request_error' };
    const notFound = { name: 'NotFoundError', status: 404, code: 'model_not_found', param: 'model', ...invalid };
    const bad = { name: 'BadRequestError', status: 400, code: 'invalid_request', ...invalid };
    assert.deepEqual(thrown['unknown'], notFound);
    assert.deepEqual(thrown['streamed'], notFound);
    assert.deepEqual(thrown['noModel'], notFound);
    assert.deepEqual(thrown['noEmbeddings'], notFound);
    assert.deepEqual(thrown['several'], { ...bad, param: 'n' });
    assert.deepEqual(thrown['bad'], { ...bad, param: 'messages.0.content' });
    assert.deepEqual(thrown['embeddings'], { ...bad, code: 'embeddings_unsupported', param: null });

    const chat = 'chat/completions';
    const json = { 'Content-Type': 'application/json' };
    for (const [what, path, init, status, code] of [
      ['no JSON', chat, post('{"messages": ['), 400, 'invalid_json'],
      ['JSON that is no object', chat, post('[]'), 400, 'invalid_json'],
      ['no body', chat, { method: 'POST', headers: json }, 400, 'invalid_json'],
      ['another type', chat, { method: 'POST', body: '{}' }, 415, 'unsupported_media_type'],
      ['GET', chat, {}, 405, 'method_not_allowed'],
      ['PUT', 'models', { method: 'PUT', body: '{}' }, 405, 'method_not_allowed'],
      ['POST to models', 'models', post({}), 405, 'method_not_allowed'],
      ['an unknown path', 'audio/speech', post({}), 404, 'unknown_url'],
      ['no path', '', {}, 404, 'unknown_url'],
      ['a path up and down', 'models/../../v1/nothing', {}, 404, 'unknown_url'],
      ['stray escapes', 'models/%E0%A4%A', {}, 404, 'model_not_found'],
      ['deep nesting', chat, post(`{"messages":${'['.repeat(200_000)}${']'.repeat(200_000)}}`), 400, 'invalid_request'],
      ['token ids', 'completions', post({ prompt: [1, 2, 3] }), 400, 'invalid_request'],
      ['echo', 'completions', post({ prompt: 'x', echo: true }), 400, 'invalid_request'],
      [
        'a prompt that does not fit',
        'completions',
        post({ prompt: 'word '.repeat(5000) }),
        400,
        'context_length_exceeded',
      ],
      ['an empty message', chat, post({ messages: [{ role: 'user', content: ' ' }] }), 400, 'prompt_empty'],
    ] as const) {
      const said = await ask(page, path, init);
      assert.deepEqual([said.status, said.error?.code], [status, code], `${what}: ${said.text}`);
      assert.equal(said.type, 'application/json; charset=utf-8', what);
      if (status === 405) assert.notEqual(said.allow, null, what);
    }
    const huge = await page.evaluate(async () => {
      const body = new Blob(['{"messages":"', new Uint8Array(40 * 2 ** 20).fill(120), '"}'], {
        type: 'application/json',
      });
      return (await fetch(`${window.base}/chat/completions`, { method: 'POST', body })).status;
    });
    assert.equal(huge, 413);
    const head = await ask(page, 'models', { method: 'HEAD' });
    assert.deepEqual([head.status, head.text], [200, '']);
    const options = await ask(page, chat, { method: 'OPTIONS' });
    assert.deepEqual([options.status, options.allow], [204, 'POST, OPTIONS']);
    const after = await ask(page, chat, post({ messages, max_tokens: 2 }));
    assert.equal(after.status, 200, 'and the next request works');
  });
});

test('strangers are not answered: navigations, tags, frames of another origin', async () => {
  await withEndpoint(async (kit) => {
    const page = await endpointPage(kit);
    const visited = await kit.context.newPage();
    const opened = await visited.goto(`${kit.origin}/llm/v1/models`);
    assert.equal(opened?.status(), 403);
    assert.match(await visited.innerText('body'), /navigation is not answered/);
    // A form posts as a navigation does.
    await visited.goto(`${kit.origin}/blank.html`);
    const [posted] = await Promise.all([
      visited.waitForResponse(/chat\/completions/),
      visited.evaluate(() => {
        const form = document.createElement('form');
        form.method = 'post';
        form.enctype = 'text/plain';
        form.action = '/llm/v1/chat/completions';
        document.body.append(form);
        form.submit();
      }),
    ]);
    assert.equal(posted.status(), 403);
    const tag = await page.evaluate(async () => {
      const quiet = await fetch(`${window.base}/models`, { mode: 'no-cors' });
      const image = new Image();
      const failed = new Promise<string>((resolve) => {
        image.onload = () => resolve('loaded');
        image.onerror = () => resolve('failed');
      });
      image.src = `${window.base}/models`;
      return { status: quiet.status, image: await failed };
    });
    assert.deepEqual(tag, { status: 403, image: 'failed' });
    // A frame without this origin (sandboxed) has no service worker, and CORS is not allowed to it.
    const frame = await page.evaluate(async () => {
      const told = new Promise<unknown>((resolve) => addEventListener('message', ({ data }) => resolve(data)));
      const frame = document.createElement('iframe');
      frame.setAttribute('sandbox', 'allow-scripts');
      frame.src = '/frame.html';
      document.body.append(frame);
      return await told;
    });
    assert.equal(frame, 'refused');
  });
});

test('two tabs ask at once and take turns; a page without an engine is lent one; without any it is a 503', async () => {
  await withEndpoint(async (kit) => {
    const [first, second] = [await endpointPage(kit), await endpointPage(kit)];
    const request = post({ messages, temperature: 0, max_tokens: 8 });
    const [one, two] = await Promise.all([
      ask(first, 'chat/completions', request),
      ask(second, 'chat/completions', request),
    ]);
    assert.deepEqual([one.status, two.status], [200, 200]);
    const said = ({ text }: Answered): unknown => (JSON.parse(text) as { choices: unknown }).choices;
    assert.deepEqual(said(one), said(two));
    const state = await until(first, ({ generating }) => generating.length === 0, 'all is said');
    assert.deepEqual([state.tabs, state.loads], [2, 1], 'the service worker counts for no tab');

    const worker = await first.evaluate(() => {
      // The page enforces Trusted Types.
      interface Factory {
        createPolicy(name: string, rules: object): { createScriptURL(url: string): string };
      }
      const { trustedTypes } = globalThis as unknown as { trustedTypes: Factory };
      const policy = trustedTypes.createPolicy('test', {
        createScriptURL(url: string) {
          return url;
        },
      });
      const asker = new Worker(policy.createScriptURL('/asker.js'));
      return new Promise((resolve) => (asker.onmessage = ({ data }) => resolve(data)));
    });
    assert.equal(worker, 200, 'a worker of the page asks as the page does');
    // A reload past all caches leaves the page to itself; the endpoint takes it back before it tells its address.
    const session = await kit.context.newCDPSession(second);
    await Promise.all([second.waitForEvent('load'), session.send('Page.reload', { ignoreCache: true })]);
    assert.equal(await second.evaluate(() => navigator.serviceWorker.controller), null);
    await useEndpoint(second);
    assert.equal((await ask(second, 'models')).status, 200);

    const bare = await kit.context.newPage();
    await bare.goto(`${kit.origin}/blank.html`);
    await bare.evaluate(() => {
      window.base = new URL('/llm/v1', location.href).href;
    });
    assert.equal((await ask(bare, 'models')).status, 200, 'another page lends its engine');
    await first.close();
    await second.close();
    // The engine outlives its pages by half a minute in Chromium: what the browser does then is done now. Whoever asks in
    // that moment is told that it stopped.
    await kit.endEngine();
    let none = await ask(bare, 'models');
    for (let tries = 0; !none.error?.message.startsWith('No open page') && tries < 100; tries++) {
      await bare.waitForTimeout(500);
      none = await ask(bare, 'models');
    }
    assert.deepEqual([none.status, none.error?.code, none.error?.type], [503, 'engine_unavailable', 'server_error']);
    assert.match(none.error?.message ?? '', /registerServiceWorker/);
  });
});

test('the service worker is stopped in mid-stream: the reader is told, the engine is free, the next request works', async () => {
  await withEndpoint(async (kit) => {
    const page = await endpointPage(kit);
    await page.evaluate(() => window.engine.load('default'));
    const session = await kit.context.newCDPSession(page);
    await session.send('ServiceWorker.enable');
    const hold = await holdAnswers(await SharedEngine.of(kit), 4);
    const reading = page.evaluate(async (request) => {
      window.chunks = 0;
      try {
        const stream = await window.openai.chat.completions.create({
          ...request,
          model: 'default',
          stream: true,
        } as never);
        for await (const chunk of stream as unknown as AsyncIterable<unknown>) {
          if (chunk) window.chunks += 1;
        }
        return 'ended';
      } catch (error) {
        return `failed: ${(error as Error).message}`;
      }
    }, long);
    await hold.held();
    await page.waitForFunction(() => window.chunks >= 3);
    await session.send('ServiceWorker.stopAllWorkers');
    assert.match(await reading, /^failed/);
    await hold.letGo();
    await until(page, ({ generating }) => generating.length === 0, 'the engine is free');
    assert.equal((await ask(page, 'chat/completions', post({ messages, max_tokens: 3 }))).status, 200);
  });
});

test('the engine dies in mid-stream: the stream goes on in the next one, to its own end', async () => {
  await withEndpoint(async (kit) => {
    const page = await endpointPage(kit);
    await page.evaluate(() => window.engine.load('default'));
    const engine = await SharedEngine.of(kit);
    const hold = await holdAnswers(engine, 4);
    const reading = ask(page, 'chat/completions', post({ ...long, stream: true }));
    await hold.held();
    await engine.kill();
    const { text } = await reading;
    assert.doesNotMatch(text, /"error"/);
    assert.match(text.slice(-1000), /"finish_reason":"[^]*data: \[DONE\]/);
    assert.equal((await ask(page, 'chat/completions', post({ messages, max_tokens: 3 }))).status, 200);
  });
});
