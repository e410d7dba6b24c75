// The reference cloud endpoint: a small OpenAI-compatible server for tests and for trying the cloud switch by hand
// (`node server/cloud-endpoint.mjs`, then cloud-url="http://localhost:8090/v1"). It holds no model: it repeats the last
// message, word by word, and says so. Faults are asked for by the first path segment, /<fault>/v1/chat/completions, so
// that a test needs no other channel; `requests` records what came in. Never part of the kit.

import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';

const cors = { 'Access-Control-Allow-Origin': '*', 'Access-Control-Allow-Headers': 'content-type' };

const event = (value) => `data: ${typeof value === 'string' ? value : JSON.stringify(value)}\n\n`;
const chunkOf = (delta, finish = null) => ({
  id: 'chatcmpl-echo',
  object: 'chat.completion.chunk',
  created: Math.floor(Date.now() / 1000),
  model: 'echo',
  choices: [{ index: 0, delta, finish_reason: finish }],
});

/** What the echo model says: the last user message, without what a trailing assistant message has said already. */
function words(messages) {
  const last = messages.at(-1);
  const partial = last?.role === 'assistant' ? last.content : '';
  const question = [...messages].reverse().find((message) => message.role === 'user')?.content ?? '';
  const answer = `Echo: ${question}`;
  const rest = answer.startsWith(partial) ? answer.slice(partial.length) : answer;
  return rest.match(/\S+\s*|\s+/g) ?? [];
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * @param {object} [options]
 * @param {number} [options.delay] milliseconds between words
 * @returns {{server: import('node:http').Server, requests: {fault: string, headers: object, body: any}[]}}
 */
export function createCloudEndpoint({ delay = 0 } = {}) {
  const requests = [];
  const seen = new Map();

  const answer = async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    const match = /^(?:\/([\w-]+))?\/v1\/chat\/completions$/.exec(pathname);
    if (request.method === 'OPTIONS') return void response.writeHead(204, cors).end();
    if (!match || request.method !== 'POST') return void response.writeHead(404, cors).end('Nothing here.\n');
    const fault = match[1] ?? '';
    const parts = [];
    for await (const part of request) parts.push(part);
    const body = JSON.parse(Buffer.concat(parts).toString());
    requests.push({ fault, headers: request.headers, body });
    const key = fault + searchParams.get('key');
    const times = (seen.get(key) ?? 0) + 1;
    seen.set(key, times);

    // Faults before the first byte. "…-once" fails the first time for a key, and answers the second.
    if (fault === 'busy' || (fault === 'busy-once' && times === 1)) {
      return void response.writeHead(429, { ...cors, 'Retry-After': fault === 'busy' ? '3600' : '0' }).end();
    }
    if (fault === 'trouble' || (fault === 'trouble-once' && times === 1)) {
      return void response.writeHead(503, cors).end('{"error":{"message":"sk-canary"}}');
    }
    if (fault === 'refuse') return void response.writeHead(401, cors).end('{"error":{"message":"sk-canary"}}');
    if (fault === 'html')
      return void response.writeHead(200, { ...cors, 'Content-Type': 'text/html' }).end('<p>Hi</p>');
    if (fault === 'drop') return void request.socket.destroy();
    if (fault === 'redirect') return void response.writeHead(307, { ...cors, Location: '/v1/chat/completions' }).end();

    response.writeHead(200, { ...cors, 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    const open = () => !response.destroyed;
    const send = async (text) => {
      // Cut into single bytes where asked for: splits characters, lines and events.
      if (fault !== 'bytes') return void response.write(text);
      for (const byte of Buffer.from(text)) {
        if (!open()) return;
        response.write(Buffer.of(byte));
        await pause(0);
      }
    };
    await send(': hello\n\n');
    await send(event(chunkOf({ role: 'assistant', content: '' })));
    const said = words(body.messages);
    for (const [index, word] of said.entries()) {
      if (!open()) return;
      if (delay > 0 || fault === 'slow') await pause(delay || 100);
      await send(event(chunkOf({ content: word })));
      if (index !== 1) continue;
      if (fault === 'cut') {
        await pause(50); // let the words leave first
        return void response.destroy();
      }
      if (fault === 'half') return void response.end('data: {"choices":[{"delta":{"content":"ha');
      if (fault === 'early') return void response.end();
      if (fault === 'garbage') return void response.end(event('{nonsense'));
      if (fault === 'error') return void response.end(event({ error: { message: 'sk-canary' } }));
      if (fault === 'stall') return;
      if (fault === 'endless') {
        while (open()) {
          response.write('x'.repeat(65_536));
          await pause(0);
        }
        return;
      }
    }
    const usage = { prompt_tokens: body.messages.length, completion_tokens: said.length, total_tokens: 0 };
    await send(event(chunkOf({}, 'stop')));
    if (body.stream_options?.include_usage) await send(event({ ...chunkOf({}), choices: [], usage }));
    await send(event('[DONE]'));
    response.end();
  };

  const server = createServer((request, response) => {
    answer(request, response).catch((error) => {
      console.error(error);
      response.destroy();
    });
  });
  return { server, requests };
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const port = Number(process.env.PORT ?? 8090);
  createCloudEndpoint({ delay: 50 }).server.listen(port, 'localhost', () => {
    console.log(`An echo in place of a cloud: http://localhost:${port}/v1`);
  });
}
