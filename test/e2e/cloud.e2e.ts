// The cloud: a site's endpoint is used only when the visitor's switch is on and only where asked for; without the switch
// not a byte reaches it, and what came from it says so. The endpoint is a small server of this test that speaks SSE.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { listen, strictPolicy } from '../../server/static-server.mjs';
import { refusal, clientPage, stateOf, withKit } from './support.js';

async function withEndpoint(body: (url: string, seen: string[]) => Promise<void>): Promise<void> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    const headers = {
      'Access-Control-Allow-Origin': '*',
      'Access-Control-Allow-Headers': '*',
      'Access-Control-Allow-Methods': '*',
    };
    if (request.method === 'OPTIONS') {
      response.writeHead(204, headers).end();
      return;
    }
    let text = '';
    request.on('data', (part: Buffer) => (text += part.toString()));
    request.on('end', () => {
      seen.push(text);
      response.writeHead(200, { ...headers, 'Content-Type': 'text/event-stream' });
      for (const content of ['From ', 'far ', 'away.']) {
        response.write(
          `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: null }] })}\n\n`,
        );
      }
      response.end(
        `data: ${JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })}\n\ndata: [DONE]\n\n`,
      );
    });
  });
  const port = await listen(server);
  try {
    await body(`http://localhost:${port}`, seen);
  } finally {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  }
}

test('the cloud answers only with the visitor’s consent, and its tokens say where they are from', async () => {
  await withEndpoint(async (url, seen) => {
    const policy = strictPolicy.replace("connect-src 'self'", `connect-src 'self' ${url}`);
    await withKit({ policy }, async (kit) => {
      const page = await clientPage(kit, { device: 'wasm', cloudUrl: `${url}/v1`, cloudModel: 'far' });
      assert.equal((await refusal(page, { ask: 'A secret', model: 'cloud' })).code, 'consent-required');
      assert.deepEqual(seen, [], 'nothing left the device');
      await page.evaluate(() => window.engine.cloud.allow(true));
      const answer = await page.evaluate(async () => {
        const completion = await window.engine.chat.completions.create({
          model: 'cloud',
          messages: [{ role: 'user', content: 'Hello' }],
        });
        return { text: completion.choices[0].message.content, from: completion.llm.backend };
      });
      assert.deepEqual(answer, { text: 'From far away.', from: 'cloud' });
      assert.equal(seen.length, 1);
      await page.evaluate(() => window.engine.cloud.allow(false));
      assert.equal((await refusal(page, { ask: 'A secret', model: 'cloud' })).code, 'consent-required');
      assert.equal(seen.length, 1, 'the switch acts at once');
      assert.equal((await stateOf(page)).cloud.allowed, false);
    });
  });
});

test('in the elements: a switch to allow it, a choice in the picker, a mark on what it wrote', async () => {
  await withEndpoint(async (url, seen) => {
    const policy = strictPolicy.replace("connect-src 'self'", `connect-src 'self' ${url}`);
    const html = `<!doctype html><html lang="en"><title>cloud</title><script type="module" src="/define.js"></script>
      <llm-engine cloud-url="${url}/v1" cloud-model="far"><llm-chat></llm-chat><llm-model-picker></llm-model-picker></llm-engine></html>`;
    const handle: NonNullable<Parameters<typeof withKit>[0]>['handle'] = (request, response) => {
      if (request.url !== '/cloud.html') return false;
      response.writeHead(200, { 'Content-Type': 'text/html', 'Content-Security-Policy': policy }).end(html);
      return true;
    };
    await withKit({ policy, handle }, async (kit) => {
      const page = await kit.context.newPage();
      await page.goto(`${kit.origin}/cloud.html`);
      const allow = page
        .getByRole('checkbox', { name: /Allow the cloud/ })
        .or(page.getByRole('switch', { name: /Allow the cloud/ }));
      await allow.waitFor();
      assert.equal(await page.locator('llm-model-picker').getByText('localhost').count(), 0, 'not offered before');
      await allow.check();
      await page
        .locator('llm-model-picker')
        .getByText(/localhost/)
        .first()
        .click();
      await page.locator('llm-model-picker').getByRole('button', { name: /Use/ }).last().click();
      await page.getByRole('textbox', { name: 'Message' }).fill('Hello');
      await page.keyboard.press('Enter');
      const answer = page.locator('llm-chat article[aria-label="Assistant"]');
      await answer.getByText('From far away.').waitFor({ timeout: 30_000 });
      await answer.getByText(/Cloud/).first().waitFor();
      assert.equal(seen.length, 1);
      await allow.uncheck();
      await page.locator('llm-chat').getByText('Allow the cloud').waitFor();
    });
  });
});
