// What the walks of the keyboard tests share: a browser for a file's tests, a story opened with the focus before it, and what
// of a story's engine and chat they look at. Called by keyboard*.e2e.ts.

import { after, before } from 'node:test';
import type { ScriptedEngine } from '../support/scripted-engine.js';
import { Keys } from './keys.js';
import { show, StoryBrowser, type OpenedPage } from './open.js';

/** The scripted engine of the story, for functions that run in the page. */
export interface Scripted extends Element {
  readonly engine: ScriptedEngine;
}

export class Walking {
  /** For a page of another kind than the one that the tests share. */
  get browser(): StoryBrowser {
    return this.#browser ?? fail();
  }

  get opened(): OpenedPage {
    return this.#opened ?? fail();
  }

  #browser: StoryBrowser | null = null;
  #opened: OpenedPage | null = null;

  /** To be called in a `describe`: the browser opens before its tests and closes after them. */
  constructor() {
    before(async () => {
      this.#browser = await StoryBrowser.open();
      this.#opened = await this.#browser.page({ width: 900 });
    });
    after(() => this.#browser?.close());
  }

  /** @param element by its folder: 'chat' */
  async begin(element: string, name: string, { page } = this.opened): Promise<Keys> {
    await show(page, { file: `components/${element}/${element}`, name });
    return await Keys.begin(page);
  }

  /** A chat with a question and its whole answer; the focus is in the field. */
  async conversation(opened = this.opened): Promise<Keys> {
    const keys = await this.begin('chat', 'Empty', opened);
    await keys.to('textbox Message');
    await keys.type('Hello');
    await keys.press('Enter');
    await keys.until('the answer', answered);
    await keys.at('textbox Message');
    return keys;
  }
}

function fail(): never {
  throw new Error('The browser is there while tests run.');
}

/** In the page: nothing is being written, and what can be done with the answer is there. */
export const answered = (): boolean =>
  !document.querySelector('llm-chat')?.busy &&
  document.querySelector('llm-chat')?.shadowRoot?.querySelector('[data-status=done] [data-action=again]') !== null;
