// A pattern at one place of a text and nowhere else. Used by what reads inlines; pure.

/** @param pattern a sticky one */
export function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}
