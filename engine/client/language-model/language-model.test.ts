// The Prompt API's class over the real host in a real SharedWorker, with a scripted model at the edge
// (test/support/scripted-worker.ts): "say a b" is answered with "a b ".

import { expect } from '@esm-bundle/chai';
import { Tabs } from '../../../test/support/tabs.js';
import { installLanguageModel } from './index.js';
import { languageModel, LanguageModel, type LanguageModelClass } from './language-model.js';

let tabs = new Tabs();
let Model: LanguageModelClass;

async function failure(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error('it should have failed');
}

describe('LanguageModel', () => {
  beforeEach(() => {
    tabs = new Tabs();
    Model = languageModel(() => tabs.open('a'));
  });

  afterEach(() => tabs.close());

  it('says what is there before and after a session is made, and how far the download is', async () => {
    expect(await Model.availability()).to.equal('downloadable');
    expect(await Model.availability({ expectedInputs: [{ type: 'image' }] })).to.equal('unavailable');
    const told: number[] = [];
    const session = await Model.create({
      monitor: (monitor) => monitor.addEventListener('downloadprogress', (event) => told.push(event.loaded)),
    });
    expect(told[0]).to.equal(0);
    expect(told.at(-1)).to.equal(1);
    expect([...told].sort((a, b) => a - b)).to.deep.equal(told);
    expect(session).to.be.instanceOf(LanguageModel);
    expect(session.contextWindow).to.equal(1000);
    expect(session.contextUsage).to.equal(0);
    expect(await Model.availability()).to.equal('available');
  });

  it('answers whole and in pieces, and remembers what was said', async () => {
    const session = await Model.create({ initialPrompts: [{ role: 'system', content: 'Be brief.' }] });
    expect(session.contextUsage).to.be.greaterThan(0);
    expect(await session.prompt('say one two')).to.equal('one two ');
    const pieces: string[] = [];
    for await (const piece of session.promptStreaming([
      { role: 'user', content: [{ type: 'text', value: 'say three' }] },
    ]))
      pieces.push(piece);
    expect(pieces.join('')).to.equal('three ');
    const used = session.contextUsage;
    await session.append('say nothing at all');
    expect(session.contextUsage).to.be.greaterThan(used);
    expect(await session.measureContextUsage('say one two three four')).to.be.greaterThan(0);
  });

  it('answers prompts of one session one after the other', async () => {
    const session = await Model.create();
    const answers = await Promise.all([session.prompt('slow 5 a b'), session.prompt('say c'), session.prompt('say d')]);
    expect(answers).to.deep.equal(['a b ', 'c ', 'd ']);
  });

  it('goes on from a prefix', async () => {
    const session = await Model.create();
    const answer = await session.prompt([
      { role: 'user', content: 'say one two three' },
      { role: 'assistant', content: 'one ', prefix: true },
    ]);
    expect(answer).to.equal('two three ');
  });

  it('is aborted alone, and destroyed with all that runs', async () => {
    const session = await Model.create();
    const stop = new AbortController();
    const slow = failure(session.prompt('slow 50 a b c d e f g', { signal: stop.signal }));
    stop.abort(new DOMException('enough', 'AbortError'));
    expect((await slow).message).to.equal('enough');
    expect(await session.prompt('say still here')).to.equal('still here ');
    const copy = await session.clone();
    const running = failure(session.prompt('slow 50 a b c d e f g'));
    session.destroy();
    expect((await running).name).to.equal('AbortError');
    expect((await failure(session.prompt('say x'))).name).to.equal('AbortError');
    expect((await failure(session.clone())).name).to.equal('AbortError');
    expect(await copy.prompt('say copy')).to.equal('copy ');
  });

  it('a cancelled stream stops the answer', async () => {
    const session = await Model.create();
    const reader = session.promptStreaming('slow 20 a b c d e f g h').getReader();
    expect((await reader.read()).value).to.equal('a ');
    await reader.cancel();
    expect(await session.prompt('say next')).to.equal('next ');
  });

  it('drops the oldest exchanges when the context is full, and says so', async () => {
    const session = await Model.create({ initialPrompts: [{ role: 'system', content: 'Stay.' }] });
    let overflows = 0;
    session.oncontextoverflow = () => overflows++;
    for (let i = 0; i < 4; i++) await session.prompt(`say ${'word '.repeat(200)}`);
    expect(overflows).to.be.greaterThan(0);
    const error = await failure(session.prompt(`say ${'x'.repeat(20_000)}`));
    expect(error.name).to.equal('QuotaExceededError');
    const { quota, requested } = error as Error & { quota: number; requested: number };
    expect(quota).to.equal(1000);
    expect(requested).to.be.greaterThan(1000);
    expect(await session.prompt('say on')).to.equal('on ');
  });

  it('refuses what the standard refuses', async () => {
    const session = await Model.create();
    expect(() => new LanguageModel(null, () => undefined as never)).to.throw(TypeError);
    expect((await failure(session.prompt([{ role: 'system', content: 'x' }]))).name).to.equal('NotSupportedError');
    expect(
      (await failure(session.prompt([{ role: 'user', content: [{ type: 'image', value: null }] }]))).name,
    ).to.equal('NotSupportedError');
    expect((await failure(session.prompt([]))).name).to.equal('TypeError');
    expect(
      (
        await failure(
          session.prompt([
            { role: 'assistant', content: 'x', prefix: true },
            { role: 'user', content: 'y' },
          ]),
        )
      ).name,
    ).to.equal('SyntaxError');
    expect((await failure(Model.create({ temperature: -1 }))).name).to.equal('RangeError');
    expect(
      (
        await failure(
          Model.create({
            initialPrompts: [
              { role: 'user', content: 'a' },
              { role: 'system', content: 'b' },
            ],
          }),
        )
      ).name,
    ).to.equal('TypeError');
    expect((await failure(Model.create({ expectedInputs: [{ type: 'audio' }] }))).name).to.equal('NotSupportedError');
    expect((await failure(Model.create({ signal: AbortSignal.abort() }))).name).to.equal('AbortError');
    expect((await failure(session.measureContextUsage('x', { omitResponseConstraintInput: true }))).name).to.equal(
      'TypeError',
    );
  });

  it('is put onto the page only when asked, and beside nothing that is there', () => {
    const before = Object.getOwnPropertyDescriptor(globalThis, 'LanguageModel');
    try {
      Object.defineProperty(globalThis, 'LanguageModel', { value: 'native', configurable: true });
      expect(installLanguageModel()).to.equal(false);
      expect(installLanguageModel({ replace: true })).to.equal(true);
      expect((globalThis as { LanguageModel?: unknown }).LanguageModel).to.be.a('function');
    } finally {
      if (before === undefined) Reflect.deleteProperty(globalThis, 'LanguageModel');
      else Object.defineProperty(globalThis, 'LanguageModel', before);
    }
  });
});
