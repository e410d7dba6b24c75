// Long answers of one kind each, cut into tokens, for the tests that hold what a token costs. Test support; imported by tests
// only.

const kinds: Readonly<Record<string, readonly [begin: string, more: (index: number) => string]>> = {
  'prose with everything in it': [
    '',
    (index) =>
      [
        'Streaming means that *every* word is placed once, and what stands there is left **alone**.\n',
        'A paragraph has `code`, a [link](https://example.com/page) and a number such as 3.14, too.\n\n',
        `## Heading ${String(index)}\n\n- one\n- two **heavy**\n  - below\n\n1. first\n2. second\n\n`,
        '| a | b |\n|---|--:|\n| small | 12 MB |\n\n```js\nconst a = 1;\n```\n\n> quoted\n\n',
      ][index % 4] ?? '',
  ],
  'one paragraph on one line': [
    '',
    () => 'Every word is *placed* once, says `this`, and what stands is left **alone**. ',
  ],
  'one paragraph of many lines': ['', () => 'Every word is *placed* once, says `this`, and it is left **alone**.\n'],
  'a paragraph without spaces': ['', () => '每个词只放**一次**，已经在那里的不会再动。'],
  'one list': ['', (index) => `- thing ${String(index)} with **weight**\n`],
  'a list in a list': ['1. outer\n\n', (index) => `   - thing ${String(index)} with **weight**\n`],
  'paragraphs in one item': ['1. outer\n\n', (index) => `   Paragraph ${String(index)} with **weight**.\n\n`],
  'one block of code': ['```js\n', (index) => `const value${String(index)} = compute("text"); // why\n`],
  'one table': ['| name | size |\n|---|--:|\n', (index) => `| number ${String(index)} | 12 MB |\n`],
  'one quote': ['', (index) => `> Line ${String(index)} of what was said.\n>\n`],
};

/** Each kind by its name, with a text of so many tokens of four characters. */
export function longAnswers(tokens: number): readonly { readonly name: string; readonly text: string }[] {
  return Object.entries(kinds).map(([name, [begin, more]]) => {
    let text = begin;
    for (let index = 0; text.length < 4 * tokens; index++) text += more(index);
    return { name, text: text.slice(0, 4 * tokens) };
  });
}
