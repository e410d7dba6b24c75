// `<llm-chat>` in each of its states, driven by a scripted engine: no worker, no model.

import { html } from 'lit';
import type { Meta, StoryObj } from '@storybook/web-components-vite';
import type { EngineState } from '../../engine/protocol/state.js';
import { given, scripted } from '../../stories/scripted.js';
import { demoLoaded, type Script, type ScriptStep } from '../../test/support/scripted-engine.js';
import { until } from '../../test/support/until.js';
import type { Conversation } from '../../engine/protocol/conversations.js';
import { ChatHarness } from './chat.harness.js';
import type { LlmChat } from './chat.js';

interface Arguments {
  welcome: string;
  suggestions: readonly string[];
  placeholder: string;
  /** What the engine does. */
  script: Script;
  /** What the visitor has written already. */
  say: string;
  /** What else the site asks for. */
  history: boolean;
  dictation: boolean;
  disabled: boolean;
  /** What the story ends with, as selectors: parts of the chat are fetched when they are wanted first. */
  shows: readonly string[];
}

/** An answer with what can be done with it. */
const whole = '[data-status=done] [data-action=again]';

const ready: Partial<EngineState> = { status: { kind: 'ready', model: demoLoaded } };

const meta: Meta<Arguments> = {
  title: 'Elements/llm-chat',
  component: 'llm-chat',
  args: {
    welcome: '',
    suggestions: [],
    placeholder: 'Write a message',
    script: { state: ready },
    say: '',
    history: false,
    dictation: false,
    disabled: false,
    shows: [],
  },
  argTypes: {
    script: { table: { disable: true } },
    say: { table: { disable: true } },
    shows: { table: { disable: true } },
  },
  render: ({ script, ...settings }) => scripted(script, html`<llm-chat ${given(settings)}></llm-chat>`),
  play: async ({ canvasElement, args }) => {
    const chat = canvasElement.querySelector<LlmChat>('llm-chat');
    await chat?.updateComplete;
    if (args.say !== '') chat?.send(args.say);
    await shown(canvasElement, args.shows);
  },
};

async function shown(canvas: HTMLElement, selectors: readonly string[]): Promise<void> {
  for (const selector of selectors) {
    await until(selector, () => canvas.querySelector('llm-chat')?.shadowRoot?.querySelector(selector), 20_000);
  }
}

export default meta;
type Story = StoryObj<Arguments>;

const answering = (...steps: readonly ScriptStep[]): Script => ({ state: ready, pace: 25, answers: [steps] });

const story =
  'Once upon a time there was a **small mouse** called Pip, who lived under the old oak.\n\nOne day she heard a cry from the well. “I am little,” she said, “but I am not *that* little.” And down she went.';

const everything = `# Everything at once

A paragraph with **bold**, *emphasis*, ~~deleted~~ and \`code\`, [a link](https://example.com/page) and ![an image](https://example.com/cat.png).

1. One
2. Two
   - nested
   - [x] done

| Animal | Legs |
|---|--:|
| Mouse | 4 |
| Bird | 2 |

\`\`\`html
<script type="module" src="/llm-elements/define.js"></script>
<llm-chat></llm-chat>
\`\`\`

> A quotation.

<b onclick="alert(1)">HTML stays text.</b>`;

export const Empty: Story = {};

export const Suggestions: Story = {
  args: {
    welcome: 'What shall we talk about?',
    suggestions: ['Write a story about a brave mouse', 'How do I embed the chat?', 'What is the capital of France?'],
    script: answering({ say: story }),
  },
};

export const NotLoadedYet: Story = { args: { script: { loadTime: 4_000, pace: 25, answers: [[{ say: story }]] } } };

export const Loading: Story = { args: { say: 'Tell me a story', script: { loadTime: 60_000 } } };

export const Streaming: Story = { args: { say: 'Tell me a story', script: answering({ say: story.repeat(4) }) } };

export const Markdown: Story = {
  args: {
    shows: ['[part=code]', whole],
    say: 'Show me everything',
    script: { state: ready, answers: [[{ say: everything }]] },
  },
};

export const Failed: Story = {
  args: {
    shows: ['[part=error]'],
    say: 'Are you there?',
    script: answering(
      { say: 'I was about to say' },
      {
        fail: {
          code: 'device-lost',
          message: 'The browser took the GPU away in the middle of the answer.',
          hint: 'Try again; the model is loaded anew.',
        },
      },
    ),
  },
};

export const NoEngine: Story = {
  args: {
    script: {
      state: {
        status: {
          kind: 'failed',
          error: {
            code: 'wasm-unsupported',
            message: 'This browser has no WebAssembly SIMD.',
            hint: 'Use a current Chrome, Edge, Firefox or Safari.',
          },
        },
      },
    },
  },
};

export const Cloud: Story = {
  args: {
    shows: ['[part=cloud-switch]', whole],
    say: 'Who are you?',
    script: {
      state: { ...ready, cloud: { endpoint: 'api.example.com', allowed: true, active: false } },
      answers: [
        [{ say: 'This was written on the device.\n\n' }, { say: 'This came from the cloud.', backend: 'cloud' }],
      ],
    },
  },
};

export const InLine: Story = {
  args: {
    say: 'Hello',
    script: {
      state: { ...ready, generating: [{ tabId: 'another', requestId: '1' }], waiting: ['this-tab'] },
      answers: [[{ wait: 1e9 }]],
    },
  },
};

export const ToolCall: Story = {
  args: {
    shows: ['[part=tool-call]', whole],
    say: 'Switch to dark mode',
    script: {
      state: ready,
      answers: [
        [{ call: { id: '1', type: 'function', function: { name: 'set_theme', arguments: '{"theme":"dark"}' } } }],
        [{ say: 'The page is in dark mode now.' }],
      ],
    },
  },
  render: ({ script }) =>
    scripted(
      script,
      html`<llm-chat
        @llm-tool-call=${(event: HTMLElementEventMap['llm-tool-call']) => event.respondWith({ ok: true })}
      ></llm-chat>`,
    ),
};

export const RightToLeft: Story = {
  globals: { direction: 'rtl' },
  args: {
    shows: [whole],
    say: 'ما هو هذا؟',
    script: {
      state: ready,
      answers: [[{ say: 'مرحبا! هذا مثال على `code` في النص.\n\n- واحد\n- اثنان\n\n```js\nconsole.log("ltr");\n```' }]],
    },
  },
};

export const Narrow: Story = {
  globals: { width: '320px' },
  args: {
    say: 'A word as long as '.concat('w'.repeat(80)),
    script: { state: ready, answers: [[{ say: everything }]] },
  },
};

export const Long: Story = {
  args: { say: 'All of it', script: { state: ready, answers: [[{ say: `${everything}\n\n`.repeat(20) }]] } },
};

export const Themed: Story = {
  render: ({ script }) =>
    scripted(
      script,
      html`<llm-chat
        style="--llm-accent: light-dark(#0b6b57, #7fd9c0); --llm-on-accent: light-dark(#fff, #06281f); --llm-radius: 4px; font-family: Georgia, serif"
        suggestions="Teal and serif | Square corners"
      ></llm-chat>`,
    ),
};

/** Waits for an answer, then does what a person would. */
async function afterAnswer(
  canvas: HTMLElement,
  { say, shows }: Arguments,
  act: (chat: ChatHarness) => Promise<void> | void,
): Promise<void> {
  const element = canvas.querySelector<LlmChat>('llm-chat');
  if (element === null) throw new Error('no chat');
  await element.updateComplete;
  element.send(say);
  const chat = new ChatHarness(element);
  await until('the answer', () => !element.busy && chat.action(1, 'again'), 20_000);
  await act(chat);
  await shown(canvas, shows);
}

export const Branches: Story = {
  args: {
    shows: ['[part=versions]', whole],
    say: 'Tell me a story',
    script: { state: ready, answers: [[{ say: story }], [{ say: 'A shorter one.' }]] },
  },
  play: ({ canvasElement, args }) => afterAnswer(canvasElement, args, (chat) => chat.action(1, 'again')?.click()),
};

export const Editing: Story = {
  args: { shows: ['[part=editor]'], say: 'Tell me a story', script: { state: ready, answers: [[{ say: story }]] } },
  play: ({ canvasElement, args }) => afterAnswer(canvasElement, args, (chat) => chat.action(0, 'edit')?.click()),
};

export const Deleted: Story = {
  args: { shows: ['[part=undo]'], say: 'Tell me a story', script: { state: ready, answers: [[{ say: story }]] } },
  play: ({ canvasElement, args }) => afterAnswer(canvasElement, args, (chat) => chat.action(1, 'delete')?.click()),
};

export const Files: Story = {
  play: async ({ canvasElement }) => {
    const chat = canvasElement.querySelector<LlmChat>('llm-chat');
    await chat?.updateComplete;
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File(['# Notes\n\nMilk, bread, a book on owls.'], 'notes.md'));
    dataTransfer.items.add(new File([new Uint8Array(4)], 'photograph.jpg'));
    const field = chat?.shadowRoot?.querySelector('.composer textarea');
    field?.dispatchEvent(new DragEvent('drop', { bubbles: true, composed: true, cancelable: true, dataTransfer }));
    await shown(canvasElement, ['[part=attachment]', '[part=attachment-problems]']);
  },
};

const keptConversation = (id: string, title: string, updated: number): Conversation => ({
  id,
  title,
  created: updated,
  updated,
  nodes: [{ id: 'q', parent: null, created: updated, message: { role: 'user', content: title } }],
  leaf: 'q',
});

export const History: Story = {
  args: {
    shows: ['dialog [data-id]'],
    history: true,
    script: {
      state: ready,
      conversations: [
        keptConversation('one', 'A story about a brave mouse', 1_700_000_000_000),
        keptConversation('two', 'How do I embed the chat?', 1_710_000_000_000),
      ],
    },
  },
  play: async ({ canvasElement, args }) => {
    const element = canvasElement.querySelector<LlmChat>('llm-chat');
    await element?.updateComplete;
    element?.shadowRoot?.querySelector<HTMLElement>('header > button')?.click();
    await shown(canvasElement, args.shows);
  },
};

export const NearlyFull: Story = {
  args: {
    shows: ['[part=meter]', whole],
    say: 'Tell me everything',
    script: { state: ready, answers: [[{ say: 'All of it. '.repeat(330) }]] },
  },
};

export const Recovering: Story = {
  args: {
    script: {
      state: {
        ...ready,
        recovering: {
          cause: 'device-lost',
          message: 'The graphics card was taken away; the model is loaded again.',
          attempt: 1,
          attemptsAllowed: 3,
          action: 'reloading',
        },
      },
    },
  },
};

export const Offline: Story = {
  args: {
    script: {
      state: {
        recovering: {
          cause: 'offline',
          message: 'The network is gone. The download goes on when it is back.',
          attempt: 1,
          attemptsAllowed: 5,
          action: 'reloading',
        },
      },
    },
  },
};

export const SuggestionsOfThePage: Story = {
  render: ({ script }) =>
    scripted(
      script,
      html`<llm-chat>
        <button slot="suggestions" value="Write a story about a mouse who learns to sail">A story</button>
        <button slot="suggestions" value="How do I embed the chat in my page?">Embedding</button>
      </llm-chat>`,
    ),
};

export const AnsweringFromTheCloud: Story = {
  args: {
    say: 'Who are you?',
    script: {
      state: { ...ready, cloud: { endpoint: 'api.example.com', allowed: true, active: true } },
      answers: [[{ say: 'I am written ', backend: 'cloud' }, { wait: 1e9 }]],
    },
  },
};

export const Dictation: Story = { args: { dictation: true } };

export const Disabled: Story = { args: { disabled: true } };
