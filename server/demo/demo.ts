// The demo page's own script: the page tools that the model may ask for, the two modes, offline use. The elements are
// registered by define.js; this file shows what a site adds to them, and nothing of it is needed to chat.
//
// Two modes, because the demonstration model was trained to do one thing at a time: with a list of tools before it, it
// picks a tool or says that none fits; without one, it talks.

import type { LlmChat } from '../../components/index.js';
import { connect, registerServiceWorker, type Tool, type Updates } from '../../engine/client/index.js';
import { showLooks } from './looks.js';

interface PageTool {
  readonly definition: Tool;
  /** Does it; a returned text says why it could not. What comes in was chosen by a model and is checked here. */
  readonly run: (value: unknown) => string | null;
}

const oneOf = (name: string, description: string, key: string, values: readonly string[]): Tool => ({
  type: 'function',
  function: {
    name,
    description,
    parameters: { type: 'object', properties: { [key]: { type: 'string', enum: values } }, required: [key] },
  },
});

const themes = ['light', 'dark'] as const;
const sizes = ['small', 'medium', 'large'] as const;
const places = ['top', 'bottom'] as const;

const tools: ReadonlyMap<string, PageTool> = new Map([
  [
    'set_theme',
    {
      definition: oneOf('set_theme', "Switch the page's colours", 'theme', themes),
      run: (value) => setFromList('theme', value, themes),
    },
  ],
  [
    'set_font_size',
    {
      definition: oneOf('set_font_size', 'Change the size of the text', 'size', sizes),
      run: (value) => setFromList('size', value, sizes),
    },
  ],
  [
    'scroll_to',
    {
      definition: oneOf('scroll_to', 'Scroll to a part of the page', 'target', places),
      run: (value) => {
        if (value !== 'top' && value !== 'bottom') return 'not found';
        scrollTo({ top: value === 'top' ? 0 : document.documentElement.scrollHeight });
        return null;
      },
    },
  ],
]);

function setFromList(name: 'theme' | 'size', value: unknown, allowed: readonly string[]): string | null {
  if (typeof value !== 'string' || !allowed.includes(value)) return 'not found';
  document.documentElement.dataset[name] = value;
  return null;
}

const modes = {
  talk: {
    tools: [] as readonly Tool[],
    welcome: 'What shall we talk about?',
    temperature: 0.6,
    suggestions: [
      'Write a story about a brave mouse',
      'How do I embed the chat?',
      'What is the capital of France?',
      'Which names are in this text: Anna met Tom in Oslo and paid 12 dollars.',
    ],
  },
  tools: {
    tools: [...tools.values()].map(({ definition }) => definition),
    welcome: 'Ask me to change this page.',
    // A call is right or wrong; there is nothing to vary.
    temperature: 0,
    suggestions: ['Switch to dark mode', 'Make the text bigger', 'Go to the bottom', 'Use the light theme'],
  },
} as const;

function useMode(chat: LlmChat, name: keyof typeof modes): void {
  const mode = modes[name];
  chat.newChat();
  chat.tools = mode.tools;
  chat.welcome = mode.welcome;
  chat.temperature = mode.temperature;
  chat.suggestions = mode.suggestions;
}

/** The result in the form the demonstration model was trained with. */
const result = (failure: string | null): string =>
  failure === null ? '{"ok": true}' : `{"ok": false, "error": ${JSON.stringify(failure)}}`;

const chat = document.querySelector('llm-chat');
if (chat !== null) {
  chat.addEventListener('llm-tool-call', (event) => {
    const { name, arguments: given } = event.detail;
    const tool = tools.get(name);
    const [value] = Object.values(given ?? {});
    event.respondWith(result(tool === undefined ? 'not found' : tool.run(value)));
  });
  for (const input of document.querySelectorAll<HTMLInputElement>('.modes input')) {
    input.addEventListener('change', () => useMode(chat, input.value === 'tools' ? 'tools' : 'talk'));
  }
}

const gallery = document.querySelector<HTMLElement>('#themes');
const themeCss = document.querySelector<HTMLElement>('#theme-css');
if (chat !== null && gallery !== null && themeCss !== null) showLooks(chat, gallery, themeCss);

/** A bar that says when a newer version of the page is there; one click takes it, after the answers that run. */
function offerUpdates(updates: Updates, bar: HTMLElement): void {
  const texts = {
    ready: 'A newer version is ready.',
    replaced: 'A newer version is in use in another tab.',
    finishing: 'Updating when the answer is finished …',
  };
  const show = (): void => {
    const { kind } = updates.state;
    bar.replaceChildren();
    if (kind === 'current') return;
    const line = document.createElement('p');
    line.append(texts[kind]);
    if (kind !== 'finishing') {
      const button = document.createElement('button');
      button.append('Update');
      button.addEventListener('click', () => {
        updates.apply().catch((error: unknown) => console.info('llm-elements: not updated.', error));
      });
      line.append(button);
    }
    bar.append(line);
  };
  updates.addEventListener('llm-update', show);
  show();
}

try {
  // The elements share this engine. The service worker keeps what it has fetched, so that the page works offline.
  const { updates } = await registerServiceWorker({ engine: await connect(), pages: true });
  const bar = document.querySelector<HTMLElement>('#update');
  if (bar !== null) offerUpdates(updates, bar);
} catch (error) {
  // Offline use is an extra; what keeps the engine from starting is shown by the chat itself.
  console.info('llm-elements: this visit is not kept for offline use.', error);
}
