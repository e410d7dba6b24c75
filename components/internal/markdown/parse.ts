// Markdown to our own little tree (tokens.ts). Called by stream.ts with a stretch of an answer; pure, no DOM.
// marked's lexer finds the tokens (CommonMark with GFM's tables, task lists, strike-through and bare links); what it
// does not decide is here: HTML is never recognised, so it stays visible text; reference definitions are not either,
// because a definition at the end of an answer could turn earlier, already read text into links (EchoLeak did that),
// and because finished blocks must not change. Line ends inside a paragraph are breaks, as in GitHub's comments.
// Hostile input: nesting is capped before lexing and inline marks are not looked for in overlong runs, so the cost is
// bounded; should the lexer still fail, the text is shown as it is.

import { Lexer, Tokenizer, type MarkedOptions, type Token, type Tokens } from 'marked';
import { decodeEntities } from './entities.js';
import { hostOf, safeLink } from './links.js';
import type { Alignment, Block, Inline, ListItem } from './tokens.js';

/** Deeper than any answer nests; one level costs a recursion of the lexer. */
const maximumDepth = 32;
/** Characters of one paragraph, cell or item in which marks are looked for; some lexer rules are quadratic. */
const maximumInline = 8_192;

const tooDeep = new RegExp(`^(?:[ \\t]*(?:>|[-+*](?=\\s)|\\d{1,9}[.)](?=\\s))){${String(maximumDepth + 1)}}`, 'm');

class TextOnlyTokenizer extends Tokenizer {
  override html(): undefined {
    return undefined;
  }
  override tag(): undefined {
    return undefined;
  }
  override def(): undefined {
    return undefined;
  }
  override reflink(): undefined {
    return undefined;
  }
}

export interface ParsedBlock {
  readonly block: Block;
  /** Offset of the block's first character in the source given, and behind its last visible one. */
  readonly start: number;
  readonly end: number;
}

/**
 * The top-level blocks of `source` (line ends already "\n"), in order.
 * Never throws; never fewer characters shown than a reader could have read in the source.
 */
export function parseMarkdown(source: string): readonly ParsedBlock[] {
  if (source.trim() === '') return [];
  if (tooDeep.test(source)) return whole(source);
  let tokens: readonly Token[];
  try {
    tokens = lex(source);
  } catch {
    // The lexer ran out of stack or lost its way: readable beats beautiful.
    return whole(source);
  }
  const blocks: ParsedBlock[] = [];
  let start = 0;
  for (const token of tokens) {
    const block = toBlock(token);
    if (block !== null) blocks.push({ block, start, end: start + token.raw.trimEnd().length });
    start += token.raw.length;
  }
  return blocks;
}

function lex(source: string): readonly Token[] {
  const options: MarkedOptions = { gfm: true, breaks: true, tokenizer: new TextOnlyTokenizer() };
  const lexer = new Lexer(options);
  lexer.blockTokens(source, lexer.tokens);
  // As Lexer.lex does, but with a limit on each run.
  for (let index = 0; index < lexer.inlineQueue.length; index++) {
    const run = lexer.inlineQueue[index];
    if (run === undefined) continue;
    if (run.src.length <= maximumInline) lexer.inlineTokens(run.src, run.tokens);
    else run.tokens.push({ type: 'text', raw: run.src, text: run.src, escaped: false });
  }
  return lexer.tokens;
}

const whole = (source: string): readonly ParsedBlock[] => [
  { block: plain(source), start: 0, end: source.trimEnd().length },
];

function plain(text: string): Block {
  const children: Inline[] = [];
  for (const line of text.replace(/^\n+|\s+$/g, '').split('\n')) {
    if (children.length > 0) children.push({ type: 'break' });
    children.push({ type: 'text', text: line });
  }
  return { type: 'paragraph', children };
}

// marked's Token is a union with an open-ended member for extensions, which hides the known shapes from narrowing;
// the casts below name the shape that goes with the type just compared.
function toBlock(token: Token): Block | null {
  switch (token.type) {
    case 'space':
    case 'def':
      return null;
    case 'heading': {
      const heading = token as Tokens.Heading;
      return { type: 'heading', level: heading.depth, children: toInlines(heading.tokens) };
    }
    case 'code': {
      const code = token as Tokens.Code;
      return { type: 'code', text: code.text, language: (code.lang ?? '').split(/\s/, 1)[0] ?? '' };
    }
    case 'blockquote':
      return { type: 'quote', children: toBlocks((token as Tokens.Blockquote).tokens) };
    case 'hr':
      return { type: 'rule' };
    case 'list': {
      const list = token as Tokens.List;
      return {
        type: 'list',
        ordered: list.ordered,
        start: list.start === '' ? 1 : list.start,
        items: list.items.map(toItem),
      };
    }
    case 'table': {
      const table = token as Tokens.Table;
      return {
        type: 'table',
        align: table.align.map(toAlignment),
        header: table.header.map((cell) => toInlines(cell.tokens)),
        rows: table.rows.map((row) => row.map((cell) => toInlines(cell.tokens))),
      };
    }
    case 'paragraph':
    case 'text': {
      const text = token as Tokens.Paragraph | Tokens.Text;
      return {
        type: 'paragraph',
        children: text.tokens === undefined ? [{ type: 'text', text: text.text }] : toInlines(text.tokens),
      };
    }
    default:
      return plain(token.raw);
  }
}

const toBlocks = (tokens: readonly Token[]): readonly Block[] =>
  tokens.map(toBlock).filter((block): block is Block => block !== null);

function toItem(item: Tokens.ListItem): ListItem {
  return {
    checked: item.task ? item.checked === true : null,
    // The tick box is a property of ours, not a node among the item's text.
    children: toBlocks(item.tokens.filter((token) => token.type !== 'checkbox')),
  };
}

function toAlignment(align: 'center' | 'left' | 'right' | null): Alignment {
  if (align === 'left') return 'start';
  return align === 'right' ? 'end' : align;
}

function toInlines(tokens: readonly Token[]): readonly Inline[] {
  const inlines: Inline[] = [];
  const push = (inline: Inline) => {
    const last = inlines.at(-1);
    if (inline.type === 'text' && last?.type === 'text') {
      inlines[inlines.length - 1] = { type: 'text', text: last.text + inline.text };
    } else inlines.push(inline);
  };
  for (const token of tokens) for (const inline of toInline(token)) push(inline);
  return inlines;
}

function toInline(token: Token): readonly Inline[] {
  switch (token.type) {
    case 'strong':
      return [{ type: 'strong', children: toInlines((token as Tokens.Strong).tokens) }];
    case 'em':
      return [{ type: 'emphasis', children: toInlines((token as Tokens.Em).tokens) }];
    case 'del':
      return [{ type: 'deleted', children: toInlines((token as Tokens.Del).tokens) }];
    case 'codespan':
      return [{ type: 'code', text: (token as Tokens.Codespan).text }];
    case 'br':
      return [{ type: 'break' }];
    case 'checkbox':
      return [];
    case 'escape':
      return [{ type: 'text', text: (token as Tokens.Escape).text }];
    case 'link':
      return toLink(token as Tokens.Link);
    case 'image': {
      const image = token as Tokens.Image;
      return [{ type: 'image', alt: decodeEntities(image.text), host: hostOf(decodeEntities(image.href)) }];
    }
    case 'text': {
      const text = token as Tokens.Text;
      // An item's text token carries its own inline tokens.
      return text.tokens === undefined ? [{ type: 'text', text: decodeEntities(text.text) }] : toInlines(text.tokens);
    }
    default:
      return [{ type: 'text', text: token.raw }];
  }
}

function toLink(token: Tokens.Link): readonly Inline[] {
  const address = decodeEntities(token.href);
  const link = safeLink(address);
  const children = toInlines(token.tokens);
  if (link === null) {
    // Not to be followed, but to be read: what the answer wrote stays visible.
    return address === token.text ? children : [...children, { type: 'text', text: ` (${address})` }];
  }
  const says = token.text.replace(/^mailto:/i, '');
  const showsHost = says === link.host || token.raw === token.text || token.raw === `<${token.text}>`;
  return [{ type: 'link', href: link.href, host: showsHost ? '' : link.host, children }];
}
