// What the chat's browser tests share: a chat with a scripted engine on the page, and waiting for its answer.

import { html } from 'lit';
import '../../components/define/chat.js';
import { mount, until } from './page.js';
import { ScriptedEngine, demoLoaded, type Script } from './scripted-engine.js';
import { ChatHarness } from '../../components/chat/chat.harness.js';

export const ready = { status: { kind: 'ready', model: demoLoaded } } as const;

/** @param attributes set before the element is on the page */
export async function chatWith(script: Script = {}, attributes: Readonly<Record<string, string>> = {}) {
  const engine = new ScriptedEngine({ state: ready, ...script });
  const element = document.createElement('llm-chat');
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  mount(html`<llm-engine .engine=${engine}>${element}</llm-engine>`);
  const chat = new ChatHarness(element);
  await element.updateComplete;
  await until('the engine', () => chat.header !== '');
  return { engine, element, chat };
}

/** The newest answer is whole, and what can be done with it is on screen. */
export const settled = (chat: ChatHarness) =>
  until(
    'the answer',
    () =>
      !chat.element.busy &&
      chat.lastAnswer?.dataset['status'] !== 'streaming' &&
      chat.lastAnswer?.dataset['status'] !== 'waiting' &&
      chat.lastAnswer?.querySelector('[part=meta] .actions'),
  );
