// Holds the types of the tags to what they promise; nothing of it runs (`npm run types`).

import type { GlobalComponents } from 'vue';
import type { SvelteHTMLElements } from 'svelte/elements';
import type {} from 'llm-elements/react';
import type {} from 'llm-elements/vue';
import type {} from 'llm-elements/svelte';
import type { KitAttributes, KitProperties } from './elements.d.ts';

const good = (
  <llm-engine device="wasm">
    <llm-chat
      systemPrompt="Be brief."
      temperature={0}
      className="mine"
      onllm-message={(event) => event.detail.message.role}
      ref={(chat) => {
        chat?.send('Hello');
      }}
    />
    <llm-metrics />
  </llm-engine>
);

// @ts-expect-error there is no such device
const device = <llm-engine device="abacus" />;
// @ts-expect-error a temperature is a number
const temperature = <llm-chat temperature={[]} />;
// @ts-expect-error there is no such element
const unknown = <llm-teapot />;
// @ts-expect-error what an element only tells is not set
const told: KitProperties<'llm-chat'> = { busy: true };
// @ts-expect-error a method is not set
const method: KitProperties<'llm-chat'> = { send: () => true };

const attribute: KitAttributes<'llm-chat'> = { 'system-prompt': 'Be brief.' };
const vue: GlobalComponents['llm-chat'] | null = null;
const svelte: SvelteHTMLElements['llm-chat'] = { systemPrompt: 'x', 'onllm-message': (event) => event.detail };

export const all = [good, device, temperature, unknown, told, method, attribute, vue, svelte];
