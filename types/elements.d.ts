// What the kit's elements take, for templates of any framework: made from the classes and HTMLElementTagNameMap, so that
// it never falls behind them. Used by react.d.ts, vue.d.ts and svelte.d.ts beside this file.

import type {} from 'llm-elements';
import type { LitElement } from 'lit';

/** The kit's tags. */
export type KitTag = Extract<keyof HTMLElementTagNameMap, `llm-${string}`>;

/** What an element has of its own and a template may set: no methods, nothing read-only. */
export type KitProperties<Tag extends KitTag> = {
  [Name in WritableKeys<HTMLElementTagNameMap[Tag]>]?: HTMLElementTagNameMap[Tag][Name] | undefined;
};

/** The same as attributes: "system-prompt" for systemPrompt. */
export type KitAttributes<Tag extends KitTag> = {
  [Name in WritableKeys<HTMLElementTagNameMap[Tag]> & string as Kebab<Name>]?:
    HTMLElementTagNameMap[Tag][Name] | string | number | boolean | null | undefined;
};

/** Listeners by the events' names: "onllm-message". */
export type KitListeners = {
  [Name in keyof HTMLElementEventMap & `llm-${string}` as `on${Name}`]?:
    ((event: HTMLElementEventMap[Name]) => void) | undefined;
};

type Own<Element> = Exclude<keyof Element, keyof LitElement>;
type WritableKeys<Element> = {
  [Name in Own<Element>]: Element[Name] extends (...given: never[]) => unknown
    ? never
    : Same<{ [N in Name]: Element[Name] }, { -readonly [N in Name]: Element[Name] }> extends true
      ? Same<Pick<Element, Name>, { -readonly [N in Name]: Element[Name] }> extends true
        ? Name
        : never
      : never;
}[Own<Element>];
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type Kebab<Text extends string> = Text extends `${infer First}${infer Rest}`
  ? First extends Lowercase<First>
    ? `${First}${Kebab<Rest>}`
    : `-${Lowercase<First>}${Kebab<Rest>}`
  : Text;
