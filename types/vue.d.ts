// The kit's tags in Vue's templates (3.3 and later):
//   import type {} from 'llm-elements/vue';
// and tell the compiler that they are no components of Vue's: compilerOptions.isCustomElement: (tag) => tag.startsWith('llm-')

import type { DefineComponent, HTMLAttributes } from 'vue';
import type { KitAttributes, KitProperties, KitTag } from './elements.d.ts';

/** Vue listens with `@llm-message`, which it names onLlmMessage. */
type VueListeners = {
  [Name in keyof HTMLElementEventMap & `llm-${string}` as `on${Pascal<Name>}`]?: (
    event: HTMLElementEventMap[Name],
  ) => void;
};
type Pascal<Text extends string> = Text extends `${infer First}-${infer Rest}`
  ? `${Capitalize<First>}${Pascal<Rest>}`
  : Capitalize<Text>;

type KitComponents = {
  [Tag in KitTag]: DefineComponent<KitProperties<Tag> & KitAttributes<Tag> & VueListeners & HTMLAttributes>;
};

declare module 'vue' {
  // eslint-disable-next-line @typescript-eslint/no-empty-object-type
  interface GlobalComponents extends KitComponents {}
}
