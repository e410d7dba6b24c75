// How files stand in what a model reads: each between two fences that it cannot contain, under its name, before the
// visitor's own words. A file can say anything, also "ignore what comes before" and the text of control tokens: the fence
// keeps it apart for a model that reads, and the engine keeps any message's text from becoming a control token
// (engine/tokenizer/control-text.ts). Pure; used by entries.ts and for counting what a file costs.
// The form is CommonMark's fenced code block (section 4.5): the fence is longer than any run of backticks inside.

import type { Attachment } from '../../engine/protocol/conversations.js';

export function withFiles(text: string, files: readonly Attachment[]): string {
  return [...files.map(fenced), text].filter((part) => part !== '').join('\n\n');
}

function fenced({ name, text }: Attachment): string {
  const runs = text.match(/`+/g) ?? [];
  const longest = runs.reduce((most, run) => Math.max(most, run.length), 2);
  const fence = '`'.repeat(longest + 1);
  return `File “${inOneLine(name)}”:\n${fence}\n${text.replace(/\n$/, '')}\n${fence}`;
}

/** A name may hold line breaks and marks that would end it early. */
const inOneLine = (name: string): string => name.replace(/[\s\p{C}`“”]+/gu, ' ').trim();
