// The kit's tags in Svelte's templates (4 and later):
//   import type {} from 'llm-elements/svelte';

import type { HTMLAttributes } from 'svelte/elements';
import type { KitAttributes, KitListeners, KitProperties, KitTag } from './elements.d.ts';

type KitElements = {
  [Tag in KitTag]: HTMLAttributes<HTMLElementTagNameMap[Tag]> & KitProperties<Tag> & KitAttributes<Tag> & KitListeners;
};

declare module 'svelte/elements' {
  // eslint-disable-next-line @typescript-eslint/no-empty-object-type
  interface SvelteHTMLElements extends KitElements {}
}
