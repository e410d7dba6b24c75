// An answer while it grows: nothing is shown for a moment that is something else in the end, and where a long text is cut
// depends on the text alone.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { MarkdownStream, parseMarkdown } from './stream.js';
import { blockText, type Block, type Inline } from './tokens.js';

const answer = [
  'Intro with **bold words**, *leaning* ones, `code` and a [link](https://example.com/a_(b) "title").\n\n',
  'These things:\n- one\n- **two** of them\n  1. below\n  2. as well\n- [x] done\n- [ ] not done\n\n',
  '7. seven\n8. eight\n\n| name | value |\n|---|:-:|\n| `a` | 1 |\n| b | **2** |\n\n',
  '## A title\n\n```js\nconst text = "x";\n```\n\n> quoted **text**\n\nA formula \\(x^2\\) and ~~nothing~~.\n\n---\n\n',
  '2024 was ***a year***, it is __said__.',
].join('');

const shown = (stream: MarkdownStream): string => stream.blocks.map(({ block }) => blockText(block, '')).join('\n');
const outline = (block: Block): string =>
  block.type === 'list'
    ? `${block.ordered ? 'ordered' : 'bullets'}(${block.children.map((item) => item.children.map(outline).join()).join(';')})`
    : block.type === 'quote'
      ? `quote(${block.children.map(outline).join()})`
      : block.type;

describe('markdown while it grows', () => {
  it('shows no mark that will be none', () => {
    const stream = new MarkdownStream();
    for (let end = 1; end <= answer.length; end++) {
      stream.update(answer.slice(0, end), true);
      assert.doesNotMatch(
        shown(stream),
        /[*`|~#\\_]|\]\(|^\s*(?:[-+]|\d[.)]?)\s*$|---|\[[x ]?\]/m,
        answer.slice(0, end),
      );
    }
  });

  it('never makes something else of what it has shown', () => {
    const stream = new MarkdownStream();
    let before = '';
    for (let end = 1; end <= answer.length; end++) {
      stream.update(answer.slice(0, end), true);
      const now = stream.blocks.map(({ block }) => outline(block)).join(' ');
      // What comes is put behind; only brackets close later.
      assert.ok(
        now.startsWith(before.replace(/\)+$/, '')),
        `${before} became ${now} with ${answer.slice(end - 20, end)}`,
      );
      before = now;
    }
  });

  it('ends as the whole does, whatever was shown before', () => {
    const stream = new MarkdownStream();
    for (let end = 1; end <= answer.length; end++) stream.update(answer.slice(0, end), true);
    stream.update(answer);
    assert.deepEqual(stream.blocks, parseMarkdown(answer));
  });

  it('leaves nothing out at the end: what waited for more is text', () => {
    for (const [text, wanted] of [
      ['one\n\n-', 'one\n'],
      ['it costs\n\n5', 'it costs\n5'],
      ['an **open mark', 'an **open mark'],
      ['a `half', 'a `half'],
      ['[a](https://exa', '[a](https://exa'],
      ['| a | b |', '| a | b |'],
      ['\\(x', '(x'],
    ] as const) {
      const stream = new MarkdownStream();
      stream.update(text, true);
      stream.update(text);
      assert.equal(shown(stream), wanted);
    }
  });

  it('says what a half mark will be, but not for long', () => {
    const growing = (text: string): readonly Inline[] => {
      const stream = new MarkdownStream();
      stream.update(text, true);
      const block = stream.blocks[0]?.block;
      return block?.type === 'paragraph' ? block.children : [];
    };
    assert.deepEqual(growing('a **b'), [
      { type: 'text', text: 'a ' },
      { type: 'strong', children: [{ type: 'text', text: 'b' }] },
    ]);
    assert.deepEqual(growing('a *b **c*'), [
      { type: 'text', text: 'a ' },
      {
        type: 'emphasis',
        children: [
          { type: 'text', text: 'b ' },
          { type: 'strong', children: [{ type: 'text', text: 'c' }] },
        ],
      },
    ]);
    assert.deepEqual(growing('see [the page](https://exam'), [{ type: 'text', text: 'see the page' }]);
    assert.deepEqual(growing('5 * 3 and 2*x'), [{ type: 'text', text: '5 * 3 and 2*x' }]);
    assert.deepEqual(growing('about ~5 of them'), [{ type: 'text', text: 'about ~5 of them' }]);
    // A formula without its end is code, as it is after \\(; money and names of variables are neither.
    for (const formula of ['x^2 + y', 'a_{1', '\\frac{1}{2', 'x_1 * y_2 * z']) {
      for (const dollars of ['$', '$$']) {
        assert.deepEqual(growing(`so ${dollars}${formula}`), [
          { type: 'text', text: 'so ' },
          { type: 'code', text: formula },
        ]);
      }
    }
    for (const text of ['costs $5 or ^ more', '$HOME/a_file and', 'so $x', '$ x^2', 'x $y^2\nand']) {
      assert.ok(
        growing(text).every(({ type }) => type === 'text' || type === 'break'),
        text,
      );
    }
    const note = `*a note ${'that goes on '.repeat(30)}`;
    assert.equal(growing(note)[0]?.type, 'text');
    assert.equal(growing(`a \`quote ${'that goes on '.repeat(30)}`)[0]?.type, 'text');
  });

  it('cuts a long text at the same places however it arrives', () => {
    const pieces = [
      ...[
        'some words of it ',
        'some words of it ',
        'more, and more. ',
        '这是一个段落，没有空格。',
        '**bold** ',
        '`code` ',
      ],
      ...[
        '*',
        '**',
        '_',
        '`',
        '``',
        '$',
        '$$',
        '$x$ ',
        '\\(',
        '\\)',
        '[',
        ']',
        '](',
        ')',
        '](https://a.example/b)',
        '~~',
      ],
      ...['\n', 'a', ' ', '5', 'https://a.example/x ', 'me@a.example', '<', '&amp;', '\\', '![', '| ', '- ', '"', '('],
    ];
    const text = fc
      .array(fc.tuple(fc.constantFrom(...pieces), fc.nat({ max: 40 })), { minLength: 20, maxLength: 120 })
      .map((parts) => parts.map(([piece, times]) => (piece.length > 5 ? piece.repeat(times) : piece)).join(''));
    const places = fc.array(fc.nat({ max: 100_000 }), { maxLength: 20 });
    let long = 0;
    fc.assert(
      fc.property(text, places, (source, cuts) => {
        const stream = new MarkdownStream();
        for (const end of [...new Set(cuts.map((cut) => cut % (source.length + 1)))].sort((one, two) => one - two)) {
          stream.update(source.slice(0, end), end % 2 === 0);
        }
        stream.update(source);
        const whole = parseMarkdown(source);
        if (JSON.stringify(whole).includes('"run"')) long += 1;
        assert.deepEqual(stream.blocks, whole);
      }),
      { numRuns: 300 },
    );
    assert.ok(long > 30, 'the texts are too short to be cut');
  });
});
