// Markdown's parser and stream without a DOM: what becomes of ordinary text, of hostile text, and of every way to cut it.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { answer, chunkedAnswer } from './arbitrary.js';
import { decodeEntities } from './entities.js';
import { safeLink } from './links.js';

import { MarkdownStream, parseMarkdown } from './stream.js';
import { blockText, inlineText, type Block, type Inline } from './tokens.js';

const parse = (source: string): readonly Block[] => parseMarkdown(source).map(({ block }) => block);

function* inlinesOf(blocks: readonly Block[]): Generator<Inline> {
  function* walk(inlines: readonly Inline[]): Generator<Inline> {
    for (const inline of inlines) {
      yield inline;
      if ('children' in inline) yield* walk(inline.children);
    }
  }
  for (const block of blocks) {
    if (block.type === 'paragraph' || block.type === 'heading') yield* walk(block.children);
    else if (block.type === 'quote') yield* inlinesOf(block.children);
    else if (block.type === 'list') for (const item of block.children) yield* inlinesOf(item.children);
    else if (block.type === 'table')
      for (const row of [block.header, ...block.rows]) for (const cell of row) yield* walk(cell);
  }
}

describe('markdown: ordinary text', () => {
  it('reads paragraphs, breaks and marks', () => {
    assert.deepEqual(parse('One **two** *three* `four`\nfive\n\nsix &amp; ~~seven~~'), [
      {
        type: 'paragraph',
        children: [
          { type: 'text', text: 'One ' },
          { type: 'strong', children: [{ type: 'text', text: 'two' }] },
          { type: 'text', text: ' ' },
          { type: 'emphasis', children: [{ type: 'text', text: 'three' }] },
          { type: 'text', text: ' ' },
          { type: 'code', text: 'four' },
          { type: 'break' },
          { type: 'text', text: 'five' },
        ],
      },
      {
        type: 'paragraph',
        children: [
          { type: 'text', text: 'six & ' },
          { type: 'deleted', children: [{ type: 'text', text: 'seven' }] },
        ],
      },
    ]);
  });

  it('reads lists, nested and with tick boxes', () => {
    const [list] = parse('3. one\n   - [x] in\n   - [ ] out\n4. two');
    assert.ok(list?.type === 'list');
    assert.equal(list.ordered, true);
    assert.equal(list.start, 3);
    assert.equal(list.children.length, 2);
    const inner = list.children[0]?.children[1];
    assert.ok(inner?.type === 'list');
    assert.deepEqual(
      inner.children.map((item) => [item.checked, blockText({ type: 'quote', children: item.children }, '')]),
      [
        [true, 'in'],
        [false, 'out'],
      ],
    );
  });

  it('reads a formula in a quote and in an item without their marks', () => {
    const [quote, list] = parse('> $$\n> x\n> $$\n\n- \\[\n  y\n  \\]');
    assert.deepEqual(quote, { type: 'quote', children: [{ type: 'math', text: 'x', closed: true }] });
    assert.ok(list?.type === 'list');
    assert.deepEqual(list.children[0]?.children, [{ type: 'math', text: 'y', closed: true }]);
  });

  it('reads tables with alignment', () => {
    const [table] = parse('| a | b |\n|:--|--:|\n| 1 | **2** |');
    assert.ok(table?.type === 'table');
    assert.deepEqual(table.align, ['start', 'end']);
    assert.equal(blockText(table, ''), 'a, b\n1, 2');
  });

  it('keeps a pipe in code where a row has a cell too many without it', () => {
    const [table] = parse(
      '| op | means |\n|--|--|\n| `a || b` | or |\n| `a \\| b` | pipe |\n| x | y | z |\n| `x | y |',
    );
    assert.equal(table === undefined ? '' : blockText(table, ''), 'op, means\na || b, or\na | b, pipe\nx, y\n`x, y');
  });

  it('reads marks that touch East Asian words, as their writing has no spaces', () => {
    const strong = [
      ...inlinesOf(
        parse('**重要：**これは**「強調」**です。是**“引用”**的，**注意！**请。**한국어(말)**는 *「文」*と'),
      ),
    ].filter((inline) => inline.type === 'strong' || inline.type === 'emphasis');
    assert.deepEqual(
      strong.map((inline) => 'children' in inline && inlineText(inline.children)),
      ['重要：', '「強調」', '“引用”', '注意！', '한국어(말)', '「文」'],
    );
    // Elsewhere CommonMark's rule holds.
    assert.deepEqual(parse('**foo(bar)**baz'), [
      { type: 'paragraph', children: [{ type: 'text', text: '**foo(bar)**baz' }] },
    ]);
  });

  it('ends a line at a break in HTML, of which nothing else is taken', () => {
    const [table] = parse('| a |\n|--|\n| one<br>two<br/>three<BR /> four |');
    assert.equal(table === undefined ? '' : blockText(table, ''), 'a\none two three  four');
    assert.equal(
      parse('`<br>` <br onclick=x> <brx>')
        .map((block) => blockText(block, ''))
        .join(),
      '<br> <br onclick=x> <brx>',
    );
  });

  it('reads what models write', () => {
    const outline = (block: Block): string => {
      if (block.type === 'list') {
        const items = block.children.map(({ children }) => children.map(outline).join(' '));
        return `${block.ordered ? String(block.start) : '-'}[${items.join('; ')}]`;
      }
      return block.type === 'code' ? `${block.language}{${block.pieces.join('')}}` : blockText(block, '');
    };
    const reads = (text: string, wanted: string) => assert.equal(parse(text).map(outline).join(' | '), wanted);
    reads('1. a\n   ```sh\n   x\n   ```\n2. b\n   - c\n     ```\n     y\n     ```', '1[a sh{x}; b -[c {y}]]');
    reads('1. a\n\n```sh\nx\n```\n\n2. b', '1[a] | sh{x} | 2[b]');
    reads('- a\n    - b\n        - c\n- d', '-[a -[b -[c]]; d]');
    reads('````md\n```js\nx\n```\n````\nend', 'md{```js\nx\n```} | end');
    reads('Text[^1].\n\n[^1]: A note.', 'Text[^1]. | [^1]: A note.');
    reads('one\\\ntwo  \nthree\nfour', 'one two three four');
    reads('\\(a\\) \\[b\\] $c$ $$d$$, $5 or $10\n\n$$\ne\n$$\n\n\\[\nf\n\\]', 'a b c d, $5 or $10 | e | f');
    const addresses = [...inlinesOf(parse('[a](https://x.example/F_(b)) (https://x.example/F_(b)), www.x.example.'))];
    assert.deepEqual(
      addresses.flatMap((inline) => (inline.type === 'link' ? [inline.href] : [])),
      ['https://x.example/F_(b)', 'https://x.example/F_(b)', 'http://www.x.example/'],
    );
  });

  it('reads code, and an unfinished fence as code already', () => {
    assert.deepEqual(parse('```html\n<llm-chat>\n```'), [
      { type: 'code', pieces: ['<llm-chat>'], language: 'html', closed: true },
    ]);
    assert.deepEqual(parse('```html\n<llm-'), [{ type: 'code', pieces: ['<llm-'], language: 'html', closed: false }]);
  });

  it('shows the host of a link unless the text shows it', () => {
    const links = [
      ...inlinesOf(parse('[here](https://example.com/a) https://example.com/b <mailto:a@example.com>')),
    ].filter((inline) => inline.type === 'link');
    assert.deepEqual(
      links.map((link) => link.type === 'link' && [link.href, link.host]),
      [
        ['https://example.com/a', 'example.com'],
        ['https://example.com/b', ''],
        ['mailto:a@example.com', ''],
      ],
    );
  });

  it('decodes character references, and leaves unknown ones', () => {
    assert.equal(
      decodeEntities('&lt;&#65;&#x1F980;&#0;&#xD800;&nosuch;&constructor;'),
      '<A🦀\ufffd\ufffd&nosuch;&constructor;',
    );
  });
});

describe('markdown: hostile text', () => {
  it('shows HTML as text', () => {
    const source = '<script>alert(1)</script>\n\n<b onclick="x()">bold</b> <!-- hidden -->';
    const shown = parse(source)
      .map((block) => blockText(block, ''))
      .join('\n\n');
    assert.equal(shown, source);
  });

  it('never makes a link of another scheme, a relative address or one with a user name', () => {
    for (const address of [
      'javascript:alert(1)',
      ' javascript:alert(1)',
      'java\tscript:alert(1)',
      'JAVASCRIPT:alert(1)',
      'data:text/html,x',
      'vbscript:x',
      'blob:https://example.com/1',
      'file:///etc/passwd',
      '//example.com',
      '/path',
      'https://bank.example@evil.example/',
      'https://',
    ]) {
      assert.equal(safeLink(address), null, address);
    }
    assert.equal(safeLink('https://аррӏе.com/')?.host, 'xn--80ak6aa92e.com');
  });

  it('keeps the address of an image only where it could be fetched from', () => {
    const [image] = inlinesOf(parse('![a cat](https://canary.example/p.png?q=secret "t")'));
    const href = 'https://canary.example/p.png?q=secret';
    assert.deepEqual(image, { type: 'image', alt: 'a cat', host: 'canary.example', href });
    for (const address of ['data:image/svg+xml,x', 'javascript:x', 'mailto:a@b.example', '//canary.example/p']) {
      const [other] = inlinesOf(parse(`![a](<${address}>)`));
      assert.ok(other?.type === 'image' && other.href === '', address);
    }
  });

  it('makes nothing of reference definitions', () => {
    const blocks = parse('[a][b]\n\n[b]: https://canary.example/');
    assert.deepEqual(
      [...inlinesOf(blocks)].filter((inline) => inline.type === 'link' && inline.host === 'canary.example'),
      [],
    );
  });

  it('any text: only http, https and mailto links, and every node is one we know', () => {
    fc.assert(
      fc.property(answer, (source) => {
        for (const inline of inlinesOf(parse(source))) {
          if (inline.type === 'link') assert.match(inline.href, /^(?:https?:\/\/|mailto:)/);
        }
      }),
      { numRuns: 1000 },
    );
  });

  const bombs: readonly (readonly [string, string])[] = [
    ['10,000 quotes deep', '> '.repeat(10_000)],
    ['10,000 lists on one line', '- '.repeat(10_000) + 'x'],
    ['nested lists by indentation', Array.from({ length: 300 }, (_, depth) => `${'  '.repeat(depth)}- x`).join('\n')],
    ['10,000 open brackets', '['.repeat(10_000)],
    ['8,000 open brackets', '['.repeat(8_000)],
    ['images in images', '!['.repeat(4_000)],
    ['stars', '*a '.repeat(2_700)],
    ['mixed marks', '*_~'.repeat(2_700)],
    ['back-ticks', '`'.repeat(4_000) + 'a' + '`'.repeat(3_999)],
    ['half links', '[a]('.repeat(2_000)],
    ['a megabyte without a space', 'a'.repeat(1_000_000)],
    ['a wide table', `|${'a|'.repeat(2_000)}\n|${'-|'.repeat(2_000)}\n`],
    ['pipes', '|'.repeat(8_000)],
    ['angle brackets', '<'.repeat(8_000)],
    ['new lines', 'a\n'.repeat(50_000)],
    ['spaces', ' '.repeat(100_000) + 'a'],
    ['underscores', 'a_'.repeat(4_000)],
    ['addresses', 'https://a.b '.repeat(680)],
    ['dots', `https://${'a.'.repeat(4_000)}`],
    ['at signs', 'a@'.repeat(4_000)],
    ['dollars', '$'.repeat(100_000)],
  ];
  for (const [name, bomb] of bombs) {
    it(`bounded cost: ${name}`, () => {
      // The quickest of some: the machine may be busy with something else.
      const took = Math.min(
        ...Array.from({ length: 3 }, () => {
          const begin = performance.now();
          assert.ok(parse(bomb).length >= 0);
          return performance.now() - begin;
        }),
      );
      assert.ok(took < 800, `${took.toFixed(0)} ms`);
    });
  }
});

describe('markdown: streaming', () => {
  it('gives the same blocks for every way of cutting the text', () => {
    fc.assert(
      fc.property(chunkedAnswer, (chunks) => {
        const whole = new MarkdownStream();
        whole.update(chunks.join(''));
        const cut = new MarkdownStream();
        let text = '';
        for (const chunk of chunks) cut.update((text += chunk));
        assert.deepEqual(cut.blocks, whole.blocks);
      }),
      { numRuns: 3000 },
    );
  });

  it('keeps finished blocks as the same objects', () => {
    const stream = new MarkdownStream();
    stream.update('# One\n\nTwo\n\nThr');
    const before = stream.blocks;
    stream.update('# One\n\nTwo\n\nThree and more');
    assert.equal(stream.blocks.length, 3);
    assert.equal(stream.blocks[0], before[0]);
    assert.equal(stream.blocks[1], before[1]);
    assert.notEqual(stream.blocks[2], before[2]);
    assert.equal(stream.blocks[2]?.key, before[2]?.key);
  });

  it('starts over when the text is another one', () => {
    const stream = new MarkdownStream();
    stream.update('One\n\nTwo');
    stream.update('Other');
    assert.equal(stream.blocks.map(({ block }) => blockText(block, '')).join(), 'Other');
  });
});
