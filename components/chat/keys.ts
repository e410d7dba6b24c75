// Keys that mean something anywhere in the chat, beside those of its fields (composer.ts, question.ts): Escape stops the
// answer, "?" outside of a field lists the shortcuts. Nothing with Alt, Control or Meta, which browsers, systems and screen
// readers have taken. The list that a person reads is shortcuts/shortcuts.ts: change both.

export interface KeyActions {
  readonly busy: boolean;
  readonly stop: () => void;
  readonly list: () => void;
}

export function chatKey(event: KeyboardEvent, { busy, stop, list }: KeyActions): void {
  if (event.defaultPrevented || event.isComposing || event.altKey || event.ctrlKey || event.metaKey) return;
  if (event.key === 'Escape' && busy) {
    event.preventDefault();
    stop();
  } else if (event.key === '?' && !writes(event.composedPath()[0])) {
    event.preventDefault();
    list();
  }
}

const writes = (target: EventTarget | undefined): boolean =>
  target instanceof HTMLTextAreaElement || target instanceof HTMLInputElement || target instanceof HTMLSelectElement;
