// What the end-to-end tests share: the built kit in real Chromium, and small readers of its state. The tests drive
// pages as a visitor does (elements) or as a site's script does (client.js); nothing of the kit is replaced.

import type { Page } from 'playwright-core';
import type { Engine } from '../../engine/client/engine.js';
import type * as Client from '../../engine/client/index.js';
import type { EngineState } from '../../engine/protocol/state.js';
import { openKit } from '../../server/kit-browser.mjs';

export type Kit = Awaited<ReturnType<typeof openKit>>;

declare global {
  interface Window {
    engine: Engine;
  }
}

/** Opens the kit for one test and closes it afterwards, whatever happened. */
export async function withKit(
  options: Parameters<typeof openKit>[0],
  body: (kit: Kit) => Promise<void>,
): Promise<void> {
  const kit = await openKit(options);
  try {
    await body(kit);
  } finally {
    await kit.close();
  }
}

/** A page without elements whose script has connected to the engine as `window.engine`. */
export async function clientPage(kit: Kit, options: Record<string, unknown> = { device: 'wasm' }): Promise<Page> {
  const page = await kit.context.newPage();
  await page.goto(`${kit.origin}/blank.html`);
  await page.evaluate(async (given) => {
    const client = (await import(new URL('/client.js', location.href).href)) as typeof Client;
    window.engine = await client.connect(given);
  }, options);
  return page;
}

export const stateOf = (page: Page): Promise<EngineState> => page.evaluate(() => window.engine.state);

/** Waits until the engine's state, as this page sees it, passes; says the last state when it never does. */
export async function until(
  page: Page,
  holds: (state: EngineState) => boolean,
  what: string,
  seconds = 30,
): Promise<EngineState> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const state = await stateOf(page);
    if (holds(state)) return state;
    if (Date.now() > deadline)
      throw new Error(`not within ${seconds} s: ${what}; the state is ${JSON.stringify(state)}`);
    await new Promise((resume) => setTimeout(resume, 50));
  }
}

/** Asks the page until it says yes. For what only a promise tells: `waitForFunction` takes any promise for a yes. */
export async function untilPage<T>(
  page: Page,
  says: (given: T) => Promise<boolean>,
  given: T,
  what: string,
): Promise<void> {
  const deadline = Date.now() + 60_000;
  // What a page is asked is sent as text, so the types of the two sides meet here only.
  const ask = says as (given: unknown) => Promise<boolean>;
  while (!(await page.evaluate(ask, given))) {
    if (Date.now() > deadline) throw new Error(`not within 60 s: ${what}`);
    await new Promise((resume) => setTimeout(resume, 100));
  }
}

/** One answer through the client, whole. */
export const answer = (page: Page, content: string, extra: Record<string, unknown> = {}): Promise<string> =>
  page.evaluate(
    async ({ content, extra }) => {
      const completion = await window.engine.chat.completions.create({
        messages: [{ role: 'user', content }],
        temperature: 0,
        max_tokens: 24,
        ...extra,
      });
      return completion.choices[0].message.content;
    },
    { content, extra },
  );

/** A call that a test expects to be refused: a model to load (a path of the server is made absolute), or a prompt. */
export type Refused =
  { readonly load: string; readonly device?: 'webgpu' | 'wasm' } | { readonly ask: string; readonly model?: string };

/** What the call throws in the page, as plain data; fails when it does not throw. */
export const refusal = (page: Page, call: Refused): Promise<{ code: string; message: string; hint: string }> =>
  page.evaluate(async (call) => {
    try {
      if ('load' in call) {
        const model = call.load.startsWith('/') ? new URL(call.load, location.href).href : call.load;
        await window.engine.load(model, call.device === undefined ? {} : { device: call.device });
      } else {
        const messages = [{ role: 'user' as const, content: call.ask }];
        await window.engine.chat.completions.create(
          call.model === undefined ? { messages } : { messages, model: call.model },
        );
      }
    } catch (error) {
      const { code, message, hint } = error as { code: string; message: string; hint: string };
      return { code, message, hint };
    }
    throw new Error(`not refused: ${JSON.stringify(call)}`);
  }, call);
