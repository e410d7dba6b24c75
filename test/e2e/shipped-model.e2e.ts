// The shipped default model is the one its card speaks of: the files' hashes are the card's, and greedy answers are the
// card's samples, on both devices. Software WebGPU is slow, so there only each answer's beginning is asked for.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openLab } from '../../bench/lab/lab.mjs';

interface Sample {
  readonly messages: readonly { readonly role: string; readonly content: string }[];
  readonly tools: readonly unknown[];
  readonly answer: string;
}

const folder = join(import.meta.dirname, '../../models/default');
const card = readFileSync(join(folder, 'README.md'), 'utf8');
const samples = JSON.parse(readFileSync(join(folder, 'samples.json'), 'utf8')) as Sample[];

test('the files of the pack are those of the card', () => {
  const files = readdirSync(join(folder, 'pack'));
  assert.ok(files.includes('manifest.json'));
  let bytes = 0;
  for (const file of files) {
    const content = readFileSync(join(folder, 'pack', file));
    bytes += content.length;
    assert.ok(card.includes(createHash('sha256').update(content).digest('hex')), `the card names the hash of ${file}`);
  }
  assert.ok(bytes <= 4 * 2 ** 20, `at most 4 MB in all, it is ${bytes} bytes`);
});

for (const [device, tokens, count] of [
  ['wasm', 300, samples.length],
  ['webgpu', 4, 2],
] as const) {
  test(`greedy answers on ${device} are the card's samples`, async () => {
    const lab = await openLab({ mounts: { '/model/': join(folder, 'pack') } });
    try {
      await lab.call('open', { url: '/model/', device });
      for (const { messages, tools, answer } of samples.slice(0, count)) {
        assert.ok(card.includes(answer.split('\n')[0] ?? ''), 'the card shows the sample');
        const request = { messages, ...(tools.length > 0 ? { tools } : {}), temperature: 0, max_tokens: tokens };
        const said = await lab.call('answer', request);
        const calls = said.toolCalls.map(({ function: call }) => `${call.name}(${call.arguments})`).join('\n');
        const text = `${said.text}${calls}`;
        if (device === 'wasm') assert.equal(text, answer);
        else assert.ok(text !== '' && answer.startsWith(text), `"${text}" begins "${answer.slice(0, 60)}"`);
      }
    } finally {
      await lab.close();
    }
  });
}
