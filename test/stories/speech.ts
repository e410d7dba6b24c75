// The browser's speech services, scripted: they need a microphone, voices and mostly a network. What hears and speaks is
// replaced at the browser's edge, before the page loads; the kit's own code is the real one. Called by keyboard tests.

import type { Page } from 'playwright-core';

declare global {
  interface Window {
    readonly speech: {
      /** Somebody listens. */
      readonly listening: boolean;
      /** What was said aloud. */
      readonly said: string[];
      /** How often the voice was silenced. */
      readonly silenced: number;
      hear(words: string): void;
      /** The voice comes to its end. */
      finish(): void;
    };
  }
}

/** To be called before the page shows anything. */
export async function scriptSpeech(page: Page): Promise<void> {
  // What tsx puts around named functions, which run in the page here.
  await page.addInitScript({ content: 'globalThis.__name ??= (made) => made;' });
  await page.addInitScript(script);
}

/** Runs in the page; it may use nothing from outside. */
function script(): void {
  const state = {
    recognition: null as EventTarget | null,
    utterances: [] as EventTarget[],
    said: [] as string[],
    silenced: 0,
  };
  const scope = globalThis as unknown as Record<string, unknown>;
  const set = (name: string, value: unknown) => Object.defineProperty(scope, name, { value, configurable: true });
  class Recognition extends EventTarget {
    start(): void {
      state.recognition = this;
    }

    stop(): void {
      state.recognition = null;
      this.dispatchEvent(new Event('end'));
    }

    abort(): void {
      this.stop();
    }
  }
  class Utterance extends EventTarget {
    constructor(readonly text: string) {
      super();
    }
  }
  set('SpeechRecognition', Recognition);
  set('webkitSpeechRecognition', Recognition);
  set('SpeechSynthesisUtterance', Utterance);
  set(
    'speechSynthesis',
    Object.assign(new EventTarget(), {
      getVoices: () => [{ lang: 'en-GB', localService: true, default: true, name: 'A voice' }],
      speak: (utterance: Utterance) => {
        state.said.push(utterance.text);
        state.utterances.push(utterance);
      },
      cancel: () => (state.silenced += 1),
    }),
  );
  set('speech', {
    get listening() {
      return state.recognition !== null;
    },
    get silenced() {
      return state.silenced;
    },
    said: state.said,
    hear: (transcript: string) =>
      state.recognition?.dispatchEvent(Object.assign(new Event('result'), { results: [[{ transcript }]] })),
    finish: () => state.utterances.at(-1)?.dispatchEvent(new Event('end')),
  });
}
