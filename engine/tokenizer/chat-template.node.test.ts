// Chat templates against Jinja2's own renderings, and the bounds that keep an untrusted template harmless.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { sharedPath, skipWithoutShared } from '../../test/support/shared-node.js';
import { EngineError } from '../protocol/errors.js';
import { ChatTemplate } from './chat-template.js';
import { strftime } from './strftime.js';
import type { TemplateMessage } from './tokenizer.js';

interface Rendering {
  readonly messages: readonly TemplateMessage[];
  readonly add_generation_prompt: boolean;
  readonly tools?: readonly unknown[];
  readonly rendered?: string;
  readonly error?: string;
}

/** The day that the renderings were made on. */
const now = (): Date => new Date(2026, 0, 2, 3, 4, 5);

function source(name: string): string {
  const text = (path: string): string => readFileSync(sharedPath(`data/${path}`), 'utf8');
  if (!name.startsWith('tokenizers/')) return text(`chat_templates/${name}.jinja`);
  if (name === 'tokenizers/gemma-3') {
    return (JSON.parse(text('tokenizers/gemma/gemma-3-chat_template.json')) as { chat_template: string }).chat_template;
  }
  if (existsSync(sharedPath(`data/${name}/chat_template.jinja`))) return text(`${name}/chat_template.jinja`);
  return (JSON.parse(text(`${name}/tokenizer_config.json`)) as { chat_template: string }).chat_template;
}

/**
 * Where we differ from Jinja2, by template and case. The library makes lists of what are generators there, so this
 * template's tools are shown to the model instead of failing with "Object of type generator is not JSON serializable".
 */
const moreLenient = new Set(['llama-cpp-deepseek-r1: tools']);

const renderings = skipWithoutShared
  ? {}
  : (
      JSON.parse(readFileSync(sharedPath('data/testvectors/generated/chat-template-renderings.json'), 'utf8')) as {
        templates: Record<string, { bos_token: string; eos_token: string; cases: Record<string, Rendering> }>;
      }
    ).templates;

test('the renderings are there', { skip: skipWithoutShared }, () => {
  assert.equal(Object.keys(renderings).length, 15);
});

for (const [name, { bos_token: bosToken, eos_token: eosToken, cases }] of Object.entries(renderings)) {
  test(`${name} renders as Jinja2 does, or refuses where it does`, () => {
    const template = new ChatTemplate({ templates: new Map([['default', source(name)]]), bosToken, eosToken, now });
    for (const [title, { messages, add_generation_prompt, tools, rendered, error }] of Object.entries(cases)) {
      const render = (): string =>
        template.render(messages, { addGenerationPrompt: add_generation_prompt, ...(tools ? { tools } : {}) });
      if (moreLenient.has(`${name}: ${title}`)) {
        assert.ok(error !== undefined && render().includes('get_weather'));
      } else if (error === undefined) {
        assert.equal(render(), rendered, title);
      } else {
        assert.throws(render, (thrown) => thrown instanceof EngineError && thrown.code === 'invalid-request', title);
      }
    }
  });
}

test('all published templates parse', { skip: skipWithoutShared }, () => {
  for (const name of ['gemma-4', 'gpt-oss', 'mistralai-Mistral-Nemo-Instruct-2407', 'Qwen-Qwen2.5-7B-Instruct']) {
    new ChatTemplate({ templates: new Map([['default', source(name)]]), bosToken: '', eosToken: '' });
  }
});

test("our own model's template: roles as control tokens, tools as signatures, calls as JSON", () => {
  const own = readFileSync(new URL('../../models/recipe/chat_template.jinja', import.meta.url), 'utf8');
  const template = new ChatTemplate({
    templates: new Map([['default', own]]),
    bosToken: '<|endoftext|>',
    eosToken: '',
  });
  const parameters = {
    type: 'object',
    properties: {
      city: { type: 'string' },
      unit: { enum: ['c', 'f'] },
      days: { type: 'array', items: { type: 'integer' } },
    },
    required: ['city'],
  };
  const tools = [{ type: 'function', function: { name: 'weather', description: 'Weather now', parameters } }];
  const call = { id: 'a', type: 'function', function: { name: 'weather', arguments: { city: 'Paris' } } };
  const messages = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'Weather?' },
    { role: 'assistant', content: null, tool_calls: [call] },
    { role: 'tool', content: 'sunny', tool_call_id: 'a' },
  ];
  const rendered = template.render(messages, { addGenerationPrompt: true, tools });
  // How a tool is written is the recipe's to choose; what is held here is the frame that the engine relies on.
  const frame =
    /^<\|endoftext\|><\|system\|>Be brief\.\n[^<]*weather\(city: string[^<]*<\|end\|><\|user\|>Weather\?<\|end\|><\|assistant\|>(<tool_call>(.+)<\/tool_call>)<\|end\|><\|tool\|>sunny<\|end\|><\|assistant\|>$/;
  const [, , written = ''] = frame.exec(rendered) ?? [];
  assert.ok(written !== '', rendered);
  assert.deepEqual(JSON.parse(written), { name: 'weather', arguments: { city: 'Paris' } });
});

const made = (template: string, name = 'default'): ChatTemplate =>
  new ChatTemplate({ templates: new Map([[name, template]]), bosToken: '<s>', eosToken: '</s>', now });
const render = (template: string): string => made(template).render([], { addGenerationPrompt: true });
const refuses = (template: string, words: RegExp): void => {
  assert.throws(
    () => render(template),
    (error) => error instanceof EngineError && error.code === 'invalid-request' && words.test(error.message),
    template,
  );
};

test("a template's refusal reaches the visitor in its own words", () => {
  refuses("{{ raise_exception('Roles must alternate') }}", /Roles must alternate/);
});

test('a template that does not parse is a broken model', () => {
  assert.throws(
    () => made('{% if %}'),
    (error) => error instanceof EngineError && error.code === 'model-invalid',
  );
});

test('endless loops, huge ranges, strings that double and endless recursion are stopped', () => {
  refuses('{% for i in range(1000000000) %}x{% endfor %}', /range/);
  refuses('{% for i in range(10000) %}{% for j in range(10000) %}{{ j }}{% endfor %}{% endfor %}', /steps|seconds/);
  refuses(
    "{% set n = namespace(s='aaaaaaaa') %}{% for i in range(64) %}{% set n.s = n.s ~ n.s %}{% endfor %}{{ n.s }}",
    /characters|length/,
  );
  const before = performance.now();
  refuses(
    '{% set n = namespace(i=0) %}{% for i in range(10000) %}{% for j in range(9) %}{% for k in range(9) %}{% set n.i = n.i + 1 %}{% endfor %}{% endfor %}{% endfor %}',
    /steps|seconds/,
  );
  assert.ok(performance.now() - before < 20_000, 'stopped in time');
  refuses('{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}', /./);
});

test('a template sees nothing but its variables', () => {
  assert.equal(
    render('{{ globalThis }}{{ process }}{{ fetch }}|{{ messages.constructor }}{{ bos_token.__proto__ }}'),
    '|',
  );
});

test('variables as transformers sets them: none for absent tools, bos and eos, the flag, the day in English', () => {
  assert.equal(
    render(
      '{{ bos_token }}{% if tools is none %}-{% endif %}{% if add_generation_prompt %}+{% endif %}{{ eos_token }}',
    ),
    '<s>-+</s>',
  );
  assert.equal(render("{{ strftime_now('%d %b %Y') }}"), '02 Jan 2026');
  assert.equal(
    strftime(now(), '%A %a %B %y-%m-%d %I:%M:%S %p %H %% %Q'),
    'Friday Fri January 26-01-02 03:04:05 AM 03 % %Q',
  );
});

test('the template for tools serves requests with tools only', () => {
  const templates = new Map([
    ['default', 'plain'],
    ['tool_use', '{{ tools | length }}'],
  ]);
  const template = new ChatTemplate({ templates, bosToken: '', eosToken: '' });
  assert.equal(template.render([], { addGenerationPrompt: true }), 'plain');
  assert.equal(template.render([], { addGenerationPrompt: true, tools: [] }), 'plain');
  assert.equal(template.render([], { addGenerationPrompt: true, tools: [{}] }), '1');
});

test('`string` writes as Python does, loops take tuples apart', () => {
  assert.equal(
    render(`{{ {'a': [1, 2.5, true, none], "it's": 'q"x'} | string }}`),
    `{'a': [1, 2.5, True, None], "it's": 'q"x'}`,
  );
  assert.equal(render("{% for a, b in [('x', 1), ('y', 2)] %}{{ a }}{{ b }}{% endfor %}"), 'x1y2');
  assert.equal(render('{{ true | string }}{{ missing | string }}'), 'True');
});
