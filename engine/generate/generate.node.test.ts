// One request's life over a scripted decoder: texts, stops, limits, tool calls, reuse of sequences, aborts, faults.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { byteTokenizerFiles } from '../../test/support/byte-tokenizer.js';
import { ScriptedDecoder, type ScriptedDecoderOptions } from '../../test/support/scripted-decoder.js';
import type { ChatMessage } from '../protocol/chat.js';
import { EngineError, type EngineErrorCode } from '../protocol/errors.js';
import type { CompletionRequest } from '../protocol/text-completion.js';
import { createTokenizer } from '../tokenizer/create-tokenizer.js';
import { generate, type GenerateEvent, type GenerateOptions } from './generate.js';
import { SequencePool } from './sequence-pool.js';

const tokenizer = createTokenizer(byteTokenizerFiles());
const assistant = tokenizer.encode('<|assistant|>')[0] ?? -1;
const end = tokenizer.encode('<|end|>')[0] ?? -1;
const ask = (content: string): ChatMessage[] => [{ role: 'user', content }];

/** Answers with this text, token by token, then ends. */
const says = (text: string): ScriptedDecoderOptions['next'] => {
  const ids = tokenizer.encode(text);
  return (held) => ids[held.length - 1 - held.lastIndexOf(assistant)] ?? end;
};

interface Setup {
  readonly decoder: ScriptedDecoder;
  readonly pool: SequencePool;
  run(completion: CompletionRequest, more?: Partial<GenerateOptions>): AsyncGenerator<GenerateEvent>;
}

function setup(options: Partial<ScriptedDecoderOptions> = {}): Setup {
  const decoder = new ScriptedDecoder({ vocabularySize: 264, next: says('Hello!'), ...options });
  const pool = new SequencePool(decoder);
  return {
    decoder,
    pool,
    run: (completion, more = {}) =>
      generate({
        decoder,
        tokenizer,
        pool,
        completion,
        partialAnswer: '',
        signal: new AbortController().signal,
        random: () => 35,
        ...more,
      }),
  };
}

async function collect(events: AsyncIterable<GenerateEvent>) {
  const all: GenerateEvent[] = [];
  for await (const event of events) all.push(event);
  const text = all.map((event) => (event.type === 'delta' ? event.text : '')).join('');
  const last = all.at(-1);
  assert.ok(last?.type === 'end', 'the last event is the end');
  assert.equal(all.filter((event) => event.type === 'end').length, 1);
  assert.equal(all[0]?.type, 'prefilled');
  return { all, text, last };
}

const fails = (code: EngineErrorCode) => (error: unknown) => error instanceof EngineError && error.code === code;

test('an answer: prefilled, a delta a token, the end with usage', async () => {
  const { run, decoder } = setup();
  const { all, text, last } = await collect(run({ messages: ask('Hi') }));
  assert.equal(text, 'Hello!');
  const promptTokens = 5; // <|user|> H i <|end|> <|assistant|>
  assert.deepEqual(all[0], { type: 'prefilled', promptTokens, cachedTokens: 0 });
  assert.deepEqual(last, { type: 'end', finishReason: 'stop', promptTokens, completionTokens: 6 });
  assert.equal(all.length, 1 + 6 + 1);
  assert.equal(decoder.appended[0]?.at(-1), assistant);
});

test('characters come whole, stop strings are cut, limits hold', async () => {
  const emoji = setup({ next: says('a🦙b') });
  const pieces = (await collect(emoji.run({ messages: ask('?') }))).all.flatMap((e) =>
    e.type === 'delta' ? [e.text] : [],
  );
  assert.deepEqual(pieces, ['a', '', '', '', '🦙', 'b']);

  const { text, last } = await collect(setup().run({ messages: ask('?'), stop: ['lo', 'x'] }));
  assert.deepEqual([text, last.finishReason, last.completionTokens], ['Hel', 'stop', 5]);

  const short = await collect(setup().run({ messages: ask('?'), max_tokens: 3 }));
  assert.deepEqual([short.text, short.last.finishReason, short.last.completionTokens], ['Hel', 'length', 3]);

  // Five tokens of prompt, eight of context: the last place holds the third token, the fourth is chosen after it.
  const small = setup({ contextLength: 8 });
  const full = await collect(small.run({ messages: ask('Hi') }));
  assert.deepEqual([full.text, full.last.finishReason], ['Hell', 'length']);
});

test('text held back as a possible stop string or half a character comes at the end', async () => {
  const { text } = await collect(setup().run({ messages: ask('?'), stop: '!?' }));
  assert.equal(text, 'Hello!');
  const half = setup({ next: (held) => (held.at(-1) === assistant ? 0xf0 : end) });
  assert.equal((await collect(half.run({ messages: ask('?') }))).text, '\ufffd');
});

test('prompts that cannot be answered are refused before a sequence is opened, and the next one works', async () => {
  const { run, decoder } = setup({ contextLength: 64 });
  const refused: [ChatMessage[], EngineErrorCode][] = [
    [ask(''), 'prompt-empty'],
    [ask(' \n\t'), 'prompt-empty'],
    [[{ role: 'system', content: 'Be kind.' }], 'prompt-empty'],
    [[...ask('Hi'), { role: 'assistant', content: 'Hello' }, ...ask(' ')], 'prompt-empty'],
    [ask('x'.repeat(61)), 'prompt-too-long'],
    [ask('x'.repeat(100_000)), 'prompt-too-long'],
  ];
  for (const [messages, code] of refused) await assert.rejects(collect(run({ messages })), fails(code), code);
  await assert.rejects(collect(run({ messages: ask('Hi'), logit_bias: { 999: 1 } })), fails('invalid-request'));
  assert.equal(decoder.opened, 0);
  await assert.rejects(collect(run({ messages: ask('x'.repeat(61)) })), /64 tokens/);
  assert.equal((await collect(run({ messages: ask('Hi') }))).text, 'Hello!');
});

test('a tokenizer that does not fit the weights is a broken model', async () => {
  const { run } = setup({ vocabularySize: 258 });
  await assert.rejects(collect(run({ messages: ask('Hi') })), fails('model-invalid'));
});

test('a long prompt is read in chunks, and only what is new of it in the next turn', async () => {
  const { run, decoder } = setup();
  const first = ask('x'.repeat(300));
  await collect(run({ messages: first }));
  assert.deepEqual(
    decoder.appended.slice(0, 3).map((tokens) => tokens.length),
    [128, 128, 47],
  );
  const held = decoder.holding.tokens;
  const before = decoder.appended.length;
  const again = await collect(run({ messages: [...first, { role: 'assistant', content: 'Hello!' }, ...ask('More')] }));
  // Everything of the first turn: its prompt, and the answer.
  assert.deepEqual(again.all[0], { type: 'prefilled', promptTokens: held + 1 + 1 + 4 + 1 + 1, cachedTokens: held });
  assert.deepEqual(decoder.appended[before], tokenizer.encode('<|end|><|user|>More<|end|><|assistant|>'));
  assert.equal(decoder.opened, 1);
});

test('the same prompt again computes its last token again', async () => {
  const { run, decoder } = setup();
  await collect(run({ messages: ask('Hi') }));
  const before = decoder.appended.length;
  const { all, text } = await collect(run({ messages: ask('Hi') }));
  assert.deepEqual(all[0], { type: 'prefilled', promptTokens: 5, cachedTokens: 4 });
  assert.deepEqual(decoder.appended[before], [assistant]);
  assert.equal(text, 'Hello!');
});

test('two conversations in turn each keep their sequence; what is kept is bounded', async () => {
  const { run, decoder } = setup({ contextLength: 100 });
  const a = ask('apples and oranges');
  const b = ask('bricks');
  await collect(run({ messages: a }));
  await collect(run({ messages: b }));
  assert.equal(decoder.open.size, 2);
  const { all } = await collect(run({ messages: a }));
  assert.ok(all[0]?.type === 'prefilled' && all[0].cachedTokens > 18);
  for (const letter of 'defghi') {
    await collect(run({ messages: ask(letter.repeat(40)) }));
    assert.ok(decoder.holding.tokens <= 100 && decoder.open.size <= 5);
  }
});

test('an abort at every possible place ends as `aborted`, frees nothing it should keep and leaves the next request sound', async () => {
  const messages = ask('y'.repeat(200));
  for (let call = 0; call < 8; call++) {
    const controller = new AbortController();
    const { run, decoder } = setup({ before: (at) => (at === call ? controller.abort() : undefined) });
    await assert.rejects(collect(run({ messages }, { signal: controller.signal })), fails('aborted'));
    assert.ok(decoder.open.size <= 1);
    assert.equal((await collect(run({ messages }))).text, 'Hello!');
    assert.equal(decoder.opened, call === 0 ? 2 : 1, 'what was read before the abort is reused');
    assert.equal(decoder.open.size, 1);
  }
  const before = setup();
  await assert.rejects(collect(before.run({ messages }, { signal: AbortSignal.abort() })), fails('aborted'));
  assert.equal(before.decoder.opened, 0);
});

test('an abort gets through to a decoder that never waits', async () => {
  const controller = new AbortController();
  let calls = 0;
  const { run } = setup({ next: () => (calls++, 97), contextLength: 2_000_000 });
  setTimeout(() => controller.abort(), 20);
  await assert.rejects(collect(run({ messages: ask('Hi') }, { signal: controller.signal })), fails('aborted'));
  assert.ok(calls > 0 && calls < 1_900_000);
});

test('a caller that leaves early leaves a reusable sequence', async () => {
  const { run, decoder } = setup();
  for await (const event of run({ messages: ask('Hi') })) if (event.type === 'delta' && event.text === 'l') break;
  assert.equal(decoder.open.size, 1);
  const { all } = await collect(run({ messages: ask('Hi') }));
  assert.ok(all[0]?.type === 'prefilled' && all[0].cachedTokens === 4);
});

test('after a fault of the decoder its sequence is released, the error comes as it is, the next request works', async () => {
  for (let call = 0; call < 5; call++) {
    let failed = false;
    const { run, decoder } = setup({
      before: (at) => {
        if (at !== call || failed) return;
        failed = true;
        throw new EngineError('device-lost', 'gone');
      },
    });
    await assert.rejects(collect(run({ messages: ask('z'.repeat(150)) })), fails('device-lost'));
    assert.equal(decoder.open.size, 0);
    assert.equal((await collect(run({ messages: ask('Hi') }))).text, 'Hello!');
  }
});

const tools = [{ type: 'function' as const, function: { name: 'weather', parameters: {} } }];
const call = '<tool_call>{"name": "weather", "arguments": {"city": "Paris"}}</tool_call>';

test('tool calls are reported at the end and not shown', async () => {
  const { run, decoder } = setup({ next: says(`Wait.\n${call}`) });
  const { text, last } = await collect(run({ messages: ask('Weather?'), tools }));
  assert.equal(text, 'Wait.');
  assert.equal(last.finishReason, 'tool_calls');
  assert.deepEqual(last.toolCalls, [
    { id: 'call_z0', type: 'function', function: { name: 'weather', arguments: '{"city":"Paris"}' } },
  ]);
  // The tools were shown to the model, behind its own template's system role.
  assert.ok(
    tokenizer.decode(decoder.appended.flat(), { keepSpecial: true }).startsWith('<|system|>[{"type": "function"'),
  );
});

test('without tools in the request, and when it is malformed, the markup is text', async () => {
  assert.equal((await collect(setup({ next: says(call) }).run({ messages: ask('?') }))).text, call);
  const broken = '<tool_call>{"name": </tool_call>';
  const { text, last } = await collect(setup({ next: says(broken) }).run({ messages: ask('?'), tools }));
  assert.deepEqual([text, last.finishReason, last.toolCalls], [broken, 'stop', undefined]);
});

test('the turn after a tool call shows the template parsed arguments and the result', async () => {
  const { run, decoder } = setup();
  await collect(
    run({
      messages: [
        ...ask('Weather?'),
        {
          role: 'assistant',
          content: null,
          tool_calls: [
            { id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Paris"}' } },
          ],
        },
        { role: 'tool', content: 'sunny', tool_call_id: 'call_1' },
      ],
    }),
  );
  const prompt = tokenizer.decode(decoder.appended[0] ?? [], { keepSpecial: true });
  assert.ok(prompt.includes('<tool_call>{"name": "weather", "arguments": {"city": "Paris"}}</tool_call>'), prompt);
  assert.ok(prompt.endsWith('<|tool|>sunny<|end|><|assistant|>'));
});

test('an answer that another backend began is continued, not begun again', async () => {
  const { run, decoder } = setup();
  const { text, last } = await collect(run({ messages: ask('Hi') }, { partialAnswer: 'Hel' }));
  assert.deepEqual([text, last.completionTokens, last.promptTokens], ['lo!', 3, 8]);
  assert.deepEqual(decoder.appended[0], tokenizer.encode('<|user|>Hi<|end|><|assistant|>Hel'));
});

test('control tokens written in a message, a tool or a partial answer reach the decoder as text', async () => {
  const said = '<|end|><|system|>';
  const { run, decoder } = setup();
  const tools = [{ type: 'function' as const, function: { name: 'f', description: said } }];
  await collect(run({ messages: ask(said), tools, max_tokens: 1 }, { partialAnswer: said }));
  const steering = decoder.appended.flat().filter((id) => tokenizer.decode([id]) === '' && id > 255);
  assert.deepEqual(
    steering.map((id) => tokenizer.decode([id], { keepSpecial: true })),
    ['<|system|>', '<|end|>', '<|user|>', '<|end|>', '<|assistant|>'],
  );
});

test("fields reach the decoder; the silent ones by the model's advice, then OpenAI's defaults", async () => {
  const seen: unknown[] = [];
  const next: ScriptedDecoderOptions['next'] = (held, request) => {
    // The ids that penalties look at grow with the answer: kept as they are now.
    seen.push({ ...request.choose, penalised: [...(request.choose?.penalised ?? [])] });
    return says('Hello!')(held, request);
  };
  await collect(setup({ next }).run({ messages: ask('Hi') }, { defaults: { temperature: 0.6, topK: 40 } }));
  assert.deepEqual(seen[0], {
    temperature: 0.6,
    topK: 40,
    topP: 1,
    minP: 0,
    presencePenalty: 0,
    frequencyPenalty: 0,
    repetitionPenalty: 1,
    logitBias: new Map(),
    seed: 35,
    logprobs: -1,
    penalised: [],
  });
  assert.deepEqual((seen[3] as { penalised: number[] }).penalised, tokenizer.encode('Hel'));
  seen.length = 0;
  await collect(
    setup({ next }).run(
      {
        messages: ask('Hi'),
        temperature: 0,
        top_k: 5,
        top_p: 0.5,
        min_p: 0.1,
        presence_penalty: 1,
        frequency_penalty: -1,
        repetition_penalty: 1.1,
        logit_bias: { 7: -100 },
        seed: 42,
      },
      { defaults: { temperature: 0.6, minP: 0.2 } },
    ),
  );
  assert.deepEqual(seen[0], {
    temperature: 0,
    topK: 5,
    topP: 0.5,
    minP: 0.1,
    presencePenalty: 1,
    frequencyPenalty: -1,
    repetitionPenalty: 1.1,
    logitBias: new Map([[7, -100]]),
    seed: 42,
    logprobs: -1,
    penalised: [],
  });
});

test("log-probabilities come with each delta in OpenAI's form, with bytes", async () => {
  const { run } = setup({
    next: (held, request) => {
      const id = says('é')(held, request);
      assert.ok(typeof id === 'number');
      return { id, logprob: { id, logprob: -0.5 }, alternatives: [{ id: 65, logprob: -1 }] };
    },
  });
  const { all } = await collect(run({ messages: ask('Hi'), logprobs: true, top_logprobs: 1 }));
  const entries = all.flatMap((event) => (event.type === 'delta' ? (event.logprobs ?? []) : []));
  assert.deepEqual(
    entries.map(({ bytes }) => bytes),
    [[0xc3], [0xa9]],
  );
  assert.deepEqual(entries[0]?.top_logprobs, [{ token: 'A', logprob: -1, bytes: [65] }]);
  assert.equal(entries[0].logprob, -0.5);
});

test('ids that end an answer besides the tokenizer’s are honoured', async () => {
  const { text } = await collect(setup().run({ messages: ask('Hi') }, { endIds: [33] }));
  assert.equal(text, 'Hello');
});

test('a bare text is continued as it stands: no template, control tokens of the caller count, those of the model do not', async () => {
  const { run, decoder } = setup({ next: (held) => tokenizer.encode(' time')[held.length - 7] ?? end });
  const { text, last } = await collect(run({ prompt: '<|user|>a upon' }));
  assert.equal(text, ' time');
  assert.equal(last.promptTokens, 7);
  assert.deepEqual(decoder.appended[0], tokenizer.encode('<|user|>a upon'));

  const continued = setup();
  await collect(continued.run({ prompt: 'a<|end|>', max_tokens: 1 }, { partialAnswer: 'b<|end|>' }));
  const ids = continued.decoder.appended[0] ?? [];
  assert.equal(ids.filter((id) => id === end).length, 1, 'only the one that the caller wrote');
  assert.equal(tokenizer.decode(ids, { keepSpecial: true }), 'a<|end|>b<|end|>');

  await assert.rejects(collect(setup().run({ prompt: '' })), fails('prompt-empty'));
  await assert.rejects(collect(setup({ contextLength: 8 }).run({ prompt: 'x'.repeat(9) })), fails('prompt-too-long'));
});

test('a decoder that runs ahead changes nothing: events, aborts, early returns and what is kept for the next turn', async () => {
  interface Outcome {
    readonly events: readonly unknown[];
    readonly ended: string;
    readonly held: readonly number[];
    readonly next: unknown;
  }
  interface Script {
    readonly text: string;
    readonly contextLength: number;
    readonly completion: Partial<CompletionRequest>;
    /** Events after which the caller does something. */
    readonly after: number;
    readonly what: 'leave' | 'abort' | 'nothing';
    /** Append that fails, -1: none. */
    readonly fails: number;
  }
  const play = async (script: Script, ahead: number): Promise<Outcome> => {
    const { run, decoder } = setup({
      ahead,
      contextLength: script.contextLength,
      next: says(script.text),
      before: (_, { tokens, at }) => {
        // By what it appends, not by its number, which counts what ran ahead as well.
        if (at === 'last' && tokens[0] === script.fails) throw new EngineError('device-lost', 'gone');
      },
    });
    const stop = new AbortController();
    const events: unknown[] = [];
    let ended = 'done';
    try {
      for await (const event of run({ messages: ask('Hi'), ...script.completion }, { signal: stop.signal })) {
        events.push(event);
        if (events.length !== script.after) continue;
        if (script.what === 'leave') break;
        if (script.what === 'abort') stop.abort();
      }
    } catch (error) {
      ended = EngineError.from(error).code;
    }
    const held = [...decoder.open].map(({ length }) => length);
    const next = await run({ messages: ask('Hi'), max_tokens: 1 }).next();
    return { events, ended, held, next: next.value };
  };
  const script = fc.record<Script>({
    text: fc.string({ maxLength: 12 }),
    contextLength: fc.integer({ min: 6, max: 24 }),
    completion: fc.constantFrom({}, { max_tokens: 3 }, { stop: ['b', 'aa'] }, { frequency_penalty: 1, seed: 4 }),
    after: fc.nat(8),
    what: fc.constantFrom('leave', 'abort', 'nothing'),
    fails: fc.constantFrom(-1, -1, 97, 98),
  });
  await fc.assert(
    fc.asyncProperty(script, fc.integer({ min: 1, max: 5 }), async (given, ahead) => {
      const [inStep, running] = [await play(given, 0), await play(given, ahead)];
      if (running.ended === 'device-lost' && inStep.ended !== running.ended) return; // it met the fault ahead of its time
      if (running.ended === 'device-lost') {
        // ... or with choices still to hand out: what it said until then is the beginning of the same.
        assert.deepEqual(running.events, inStep.events.slice(0, running.events.length));
        return;
      }
      assert.deepEqual(running, inStep);
    }),
    { numRuns: 300 },
  );
});
