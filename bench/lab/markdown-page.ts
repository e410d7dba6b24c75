// The page of `npm run bench -- markdown`: a real `<llm-chat>` whose engine writes a long answer at a steady pace. It times
// every render of the chat from inside (performUpdate: templates, DOM, and the layout that following the end asks for)
// and sums them by animation frame. Bundled by the bench; knows nothing of files.

import { HtmlRenderer, Parser } from 'commonmark';
import { html, render, type LitElement } from 'lit';
import '../../components/define/chat.js';
import type { ChatCompletionChunk } from '../../engine/protocol/chat.js';
import { ScriptedEngine, demoLoaded } from '../../test/support/scripted-engine.js';

export interface Measured {
  /** Milliseconds of script by frame in which the chat rendered, in order. */
  readonly frames: readonly number[];
  /** Milliseconds of script and tokens shown, by quarter of the answer. */
  readonly quarters: readonly { readonly milliseconds: number; readonly tokens: number }[];
  readonly seconds: number;
}

export interface MeasureOptions {
  readonly tokens: number;
  /** A second. */
  readonly rate: number;
  readonly kind: string;
  /** Not `<llm-chat>`: the whole answer is made anew at each change. */
  readonly rival: boolean;
}

const prose = [
  'Streaming an answer means that *every* word is placed once, and that what stands there already is left **alone**. ',
  'A paragraph has some `code`, a [link](https://example.com/page) and a number such as 3.14, too.\n\n',
  '## A heading in between\n\n',
  '- one thing\n- another thing with **weight**\n  - and something below it\n- the last of them\n\n',
  '1. first\n2. second\n3. third\n\n',
  '| model | size | speed |\n|---|--:|:-:|\n| small | 12 MB | fast |\n| large | 1.2 GB | slow |\n\n',
  '```js\nfunction add(a, b) {\n  // one line of comment\n  return a + b;\n}\n```\n\n',
  '> Somebody said this, and it was written down.\n\n',
];

/** Answers of one kind: how they begin, and how they go on. */
const kinds: Readonly<Record<string, readonly [begin: string, more: (index: number) => string]>> = {
  prose: ['', (index) => prose[index % prose.length] ?? ''],
  paragraph: ['', () => prose[0] ?? ''],
  list: ['', (index) => `- thing ${String(index)} with **weight**\n`],
  code: ['```js\n', (index) => `const value${String(index)} = compute("text"); // why\n`],
  table: ['| name | size |\n|---|--:|\n', (index) => `| number ${String(index)} | 12 MB |\n`],
};

/** About four characters a token, as tokenizers cut English. */
function tokensOf(kind: string, count: number): readonly string[] {
  const found = kinds[kind];
  if (found === undefined) throw new Error(`There is no answer of the kind "${kind}".`);
  const [begin, more] = found;
  let text = begin;
  for (let index = 0; text.length < 4 * count; index++) text += more(index);
  return text.slice(0, 4 * count).match(/[^]{1,4}/g) ?? [];
}

/** What the bench does when a quarter of the answer is there, and before the first. */
const quarterEnds = (): Promise<void> =>
  (globalThis as unknown as { quarterEnds?: () => Promise<void> }).quarterEnds?.() ?? Promise.resolve();

/** Script by frame and by quarter. */
class Frames {
  readonly frames: number[] = [];
  readonly quarters = Array.from({ length: 4 }, () => ({ milliseconds: 0, tokens: 0 }));
  readonly #count: number;
  #frame = 0;
  #shown = 0;
  #ended = 0;
  #running = true;

  constructor(count: number) {
    this.#count = count;
    void quarterEnds();
    const tick = () => {
      if (this.#frame > 0) this.frames.push(this.#frame);
      this.#frame = 0;
      if (this.#running) requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  }

  time(work: () => void): void {
    const begin = performance.now();
    work();
    const took = performance.now() - begin;
    this.#frame += took;
    const number = Math.min(3, Math.floor((4 * written) / this.#count));
    for (; this.#ended < number; this.#ended++) void quarterEnds();
    const quarter = this.quarters[number];
    if (quarter === undefined) return;
    quarter.milliseconds += took;
    quarter.tokens += written - this.#shown;
    this.#shown = written;
  }

  async end(): Promise<void> {
    await quarterEnds();
    this.#running = false;
  }
}

async function measure(options: MeasureOptions): Promise<Measured> {
  const tokens = tokensOf(options.kind, options.tokens);
  document.body.style.margin = '0';
  const frames = new Frames(tokens.length);
  const begin = performance.now();
  await (options.rival ? rewrite : chatOf)(tokens, options.rate, frames);
  const seconds = (performance.now() - begin) / 1000;
  await frames.end();
  return { frames: frames.frames, quarters: frames.quarters, seconds };
}

async function chatOf(tokens: readonly string[], rate: number, frames: Frames): Promise<void> {
  const engine = new ScriptedEngine({
    state: { status: { kind: 'ready', model: demoLoaded } },
    answers: [[{ wait: 86_400_000 }]],
  });
  // The pace is the bench's own: as many tokens as the clock says, handed over as the port hands them over.
  engine.chat.completions.create = () => Promise.resolve(paced(tokens, rate));
  render(
    html`<llm-engine .engine=${engine}
      ><llm-chat style="block-size: 600px; inline-size: 720px"></llm-chat
    ></llm-engine>`,
    document.body,
  );
  const chat = document.querySelector('llm-chat');
  if (chat === null) throw new Error('no chat');
  await chat.updateComplete;
  // Every timer and every message runs through the chat's render in the end; what one takes is measured here.
  const inner = chat as unknown as LitElement & { performUpdate(): void };
  const perform = inner.performUpdate.bind(inner);
  inner.performUpdate = () => frames.time(perform);
  chat.send('Write a long answer.');
  await new Promise<void>((resolve) => {
    chat.addEventListener('llm-message', (event) => {
      if (event.detail.message.role === 'assistant') resolve();
    });
  });
}

/** At most once a frame, too, and with the end in view. */
async function rewrite(tokens: readonly string[], rate: number, frames: Frames): Promise<void> {
  const place = document.createElement('div');
  place.style.cssText = 'block-size: 600px; inline-size: 720px; overflow-y: auto; font: 16px/1.5 sans-serif';
  document.body.append(place);
  const [parser, renderer] = [new Parser(), new HtmlRenderer({ safe: true })];
  let text = '';
  let planned: ReturnType<typeof setTimeout> | undefined;
  for await (const chunk of paced(tokens, rate)) {
    text += chunk.choices[0].delta.content ?? '';
    planned ??= setTimeout(() => {
      planned = undefined;
      frames.time(() => {
        place.innerHTML = renderer.render(parser.parse(text));
        place.scrollTop = place.scrollHeight;
      });
    }, 16);
  }
}

let written = 0;

async function* paced(tokens: readonly string[], rate: number): AsyncGenerator<ChatCompletionChunk> {
  const begin = performance.now();
  written = 0;
  const facts = { id: 'bench', object: 'chat.completion.chunk', created: 0, model: demoLoaded.id } as const;
  const llm = { backend: 'local', model: demoLoaded.id } as const;
  while (written < tokens.length) {
    const due = Math.min(tokens.length, Math.floor(((performance.now() - begin) * rate) / 1000));
    for (; written < due; written++) {
      const delta = { content: tokens[written] ?? '' };
      yield { ...facts, choices: [{ index: 0, delta, finish_reason: null }], llm };
    }
    await new Promise((resolve) => setTimeout(resolve, 1000 / rate));
  }
  yield { ...facts, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], llm };
}

Object.assign(globalThis, { measure });
