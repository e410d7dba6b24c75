// Tool calls: sound ones become calls, everything else stays text, however the text is cut.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ToolCallScanner } from './tool-calls.js';

function scan(pieces: readonly string[]): { text: string; calls: string[] } {
  const scanner = new ToolCallScanner((index) => `call_${index}`);
  const text = pieces.map((piece) => scanner.push(piece)).join('') + scanner.flush();
  return { text, calls: scanner.calls.map((call) => `${call.id} ${call.function.name} ${call.function.arguments}`) };
}

const weather = '<tool_call>\n{"name": "weather", "arguments": {"city": "Paris"}}\n</tool_call>';

test('a call is taken out with the white space around it', () => {
  assert.deepEqual(scan([`Let me see.\n${weather}\n`]), {
    text: 'Let me see.',
    calls: ['call_0 weather {"city":"Paris"}'],
  });
});

test('several calls, `parameters` for `arguments`, none at all, arguments as text', () => {
  const two = `<tool_call>{"name":"a","parameters":{"x":1}}</tool_call>\n<tool_call>{"name":"b"}</tool_call>`;
  assert.deepEqual(scan([two]), { text: '', calls: ['call_0 a {"x":1}', 'call_1 b {}'] });
  assert.deepEqual(scan(['<tool_call>{"name":"c","arguments":"{\\"x\\":1}"}</tool_call>']).calls, ['call_0 c {"x":1}']);
});

test('a call whose closing tag is missing at the end still counts', () => {
  assert.deepEqual(scan(['<tool_call>{"name":"a","arguments":{}}']), { text: '', calls: ['call_0 a {}'] });
});

test('what is no sound call stays text', () => {
  for (const text of [
    '<tool_call>{"name": "weather", </tool_call>',
    '<tool_call>"weather"</tool_call>',
    '<tool_call>{"arguments": {}}</tool_call>',
    '<tool_call>{"name": "a", "arguments": 3}</tool_call>',
    `<tool_call>{"name": "${'a'.repeat(1_001)}"}</tool_call>`,
    'a <tool_call> that never closes',
    'if a <tool and b  ',
    '</tool_call>',
  ]) {
    assert.deepEqual(scan([text]), { text, calls: [] }, text);
  }
});

test('text before a call is not held back longer than it must be', () => {
  const scanner = new ToolCallScanner(String);
  assert.equal(scanner.push('Hello '), 'Hello');
  assert.equal(scanner.push('<b>'), ' <b>');
  assert.equal(scanner.push(' <tool'), '');
  assert.equal(scanner.push('box>'), ' <toolbox>');
});

test('the result is the same however the text is cut', () => {
  const parts = fc.array(
    fc.constantFrom(weather, 'text', ' ', '\n', '<tool_call>', '</tool_call>', '<tool', '{"name":"x"}', '{'),
    { maxLength: 8 },
  );
  fc.assert(
    fc.property(parts, fc.array(fc.nat(200), { maxLength: 12 }), (pieces, cuts) => {
      const text = pieces.join('');
      const places = [0, ...cuts.map((cut) => Math.min(cut, text.length)).sort((a, b) => a - b), text.length];
      assert.deepEqual(scan(places.slice(1).map((to, i) => text.slice(places[i], to))), scan([text]));
    }),
    { numRuns: 2000 },
  );
});
