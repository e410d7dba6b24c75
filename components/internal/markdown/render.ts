// Our markdown tree to Lit templates: elements made by name, text always as text nodes, `href` only from links.ts.
// Called by `<llm-chat>` with a MarkdownStream. No string ever becomes markup, so the page's Trusted Types need to allow
// nothing but Lit's own policy for its static templates ("lit-html").
// Finished parts are guarded by identity, a group of them by that of its last: they are neither rendered nor compared again,
// items of an open list and rows of an open table among them. Colours for code (highlight.ts) and formulas (math.ts) are fetched when the first is there.

import { html, nothing, type TemplateResult } from 'lit';
import { guard } from 'lit/directives/guard.js';
import { checkIcon, cloudIcon, copyIcon, imageIcon } from '../icons.js';
import { languageTag } from '../texts.js';
import { words } from '../words.js';
import { directionOf } from './direction.js';
import { effort } from './effort.js';
import { showHidden, withoutHidden } from './hidden.js';
import { late } from './late.js';
import type { OriginRule } from './origins.js';
import type { MarkdownStream } from './stream.js';
import type { Alignment, Block, Inline, ListItem } from './tokens.js';

export interface MarkdownOptions {
  /** Offset from which on the text came from the cloud; null for none of it. */
  readonly cloudFrom: number | null;
  /** Who wrote the part from the cloud. */
  readonly cloudName: string;
  /** Copies the text of a code block; resolves to whether the browser let it. */
  readonly copy: (text: string) => Promise<boolean>;
  /** Which images are fetched; the others are named. */
  readonly images: OriginRule;
  /** Which links can be followed; the others are text with their address. */
  readonly links: OriginRule;
}

/** What a part's rendering depends on beside the part itself. */
type Rendering = MarkdownOptions & { readonly shared: readonly unknown[] };

/** Parts that are skipped as one; blocks of an answer are laid out as one, too. */
const inGroup = 24;

/**
 * Renders parts of which the last may change. What stands before a part that is the same is the same, too: parts are only
 * ever put behind others.
 */
function grouped<Part>(
  parts: readonly Part[],
  { shared }: Rendering,
  render: (part: Part, index: number) => unknown,
  group: (content: unknown) => unknown = (content) => content,
): readonly unknown[] {
  return Array.from({ length: Math.ceil(parts.length / inGroup) }, (_, number) => {
    const from = number * inGroup;
    const end = Math.min(from + inGroup, parts.length);
    const all = () =>
      parts.slice(from, end).map((part, index) => guard([part, ...shared], () => render(part, from + index)));
    return group(guard([parts[end - 1], end, ...shared], all));
  });
}

/** All blocks of an answer, those from the cloud marked. What is finished is skipped, group by group. */
export function renderMarkdown({ blocks }: MarkdownStream, options: MarkdownOptions): unknown {
  const { cloudFrom, cloudName, images, links } = options;
  const rendering = { ...options, shared: [cloudFrom, cloudName, images, links, languageTag()] };
  const render = ({ block, end }: (typeof blocks)[number], index: number) => {
    const cloud = cloudFrom !== null && end > cloudFrom;
    // The badge over the message says it where all of it is from the cloud; a change within is marked in its place.
    const changes = cloud && cloudFrom > 0 && (blocks[index - 1]?.end ?? 0) <= cloudFrom;
    return html`${
        changes
          ? html`<p class="from-cloud">${cloudIcon()}<span>${words.chat.cloudFrom(cloudName)}</span></p>`
          : nothing
      }
      <div class="block" ?data-cloud=${cloud}>${renderBlock(block, rendering)}</div>`;
  };
  return grouped(blocks, rendering, render, (content) => html`<div class="group">${content}</div>`);
}

function renderBlock(block: Block, options: Rendering): TemplateResult {
  effort.nodes += 1;
  switch (block.type) {
    case 'paragraph':
      return html`<p dir=${directionOf(block)}>${renderInlines(block.children, options)}</p>`;
    case 'heading':
      return renderHeading(block.level, directionOf(block), renderInlines(block.children, options));
    case 'code':
      return renderCode(block, options);
    case 'math':
      return html`<div
        class="scroll formula"
        dir="ltr"
        role="group"
        tabindex="0"
        aria-label=${words.markdown.formula}
        ${formula(block.text, true, block.closed)}
      ></div>`;
    case 'quote':
      return html`<blockquote dir=${directionOf(block)}>
        ${grouped(block.children, options, (child) => renderBlock(child, options))}
      </blockquote>`;
    case 'list': {
      const items = grouped(block.children, options, (item) => renderBlock(item, options));
      return block.ordered
        ? html`<ol dir=${directionOf(block)} start=${block.start}>
            ${items}
          </ol>`
        : html`<ul dir=${directionOf(block)}>
            ${items}
          </ul>`;
    }
    case 'item':
      return renderItem(block, options);
    case 'table':
      return html`<div class="scroll" role="group" tabindex="0" aria-label=${words.markdown.table}>
        <table dir=${directionOf(block)}>
          <thead>
            <tr>
              ${block.header.map((cell, column) => html`<th scope="col" data-align=${alignOf(block.align, column)}>${renderInlines(cell, options)}</th>`)}
            </tr>
          </thead>
          <tbody>
            ${grouped(
              block.rows,
              options,
              (row) =>
                html`<tr>
                  ${row.map(
                    (cell, column) =>
                      html`<td data-align=${alignOf(block.align, column)}>${renderInlines(cell, options)}</td>`,
                  )}
                </tr>`,
            )}
          </tbody>
        </table>
      </div>`;
    case 'rule':
      return html`<hr />`;
  }
}

const alignOf = (align: readonly Alignment[], column: number): Alignment | typeof nothing => align[column] ?? nothing;

// Below the headings of the page around: an answer must not outrank the page's own title.
function renderHeading(level: number, dir: unknown, text: unknown): TemplateResult {
  if (level === 1) return html`<h3 dir=${dir}>${text}</h3>`;
  if (level === 2) return html`<h4 dir=${dir}>${text}</h4>`;
  if (level === 3) return html`<h5 dir=${dir}>${text}</h5>`;
  return html`<h6 dir=${dir}>${text}</h6>`;
}

function renderItem(item: ListItem, options: Rendering): TemplateResult {
  // A tight item's only paragraph is its text: no margins of its own.
  const body = grouped(item.children, options, (child, index) =>
    child.type === 'paragraph' && index === 0 ? renderInlines(child.children, options) : renderBlock(child, options),
  );
  if (item.checked === null) return html`<li>${body}</li>`;
  return html`<li class="task">
    <span class="tick" ?data-checked=${item.checked} aria-hidden="true">${item.checked ? checkIcon() : nothing}</span>
    <span class="hidden">${item.checked ? words.markdown.done : words.markdown.open}:</span>
    ${body}
  </li>`;
}

type CodeBlock = Extract<Block, { type: 'code' }>;

function renderCode(block: CodeBlock, options: Rendering): TemplateResult {
  const { pieces, language, closed } = block;
  const shown = showHidden(language, 'code');
  const label = language === '' ? words.code.block : words.code.named(shown);
  const copy = async (event: Event) => {
    const button = event.currentTarget;
    if (!(button instanceof HTMLButtonElement) || !(await options.copy(withoutHidden(pieces.join(''))))) return;
    button.toggleAttribute('data-copied', true);
    setTimeout(() => button.toggleAttribute('data-copied', false), 2_000);
  };
  const plain = pieces.map(
    (piece) => html`<span class="piece">${guard([piece], () => showHidden(piece, 'code'))}</span>`,
  );
  const coloured = async (element: Element) => {
    const { highlighted } = await import('./highlight.js');
    return highlighted(pieces.join(''), language, element);
  };
  return html`<figure class="code" part="code">
    <figcaption>
      <span dir="auto">${language === '' ? words.code.block : shown}</span>
      <button type="button" class="plain" @click=${copy}>
        ${copyIcon()}<span class="when-idle">${words.code.copy}</span
        ><span class="when-copied">${words.code.copied}</span>
      </button>
    </figcaption>
    <pre dir="ltr" tabindex="0" role="group" aria-label=${label}><code ${late(
      closed && language !== '' ? block : null,
      plain,
      coloured,
    )}></code></pre>
  </figure>`;
}

function formula(text: string, display: boolean, closed = true): unknown {
  const load = async () => (await import('./math.js')).formula(text, display);
  return late(closed ? text : null, html`<code class="tex" dir="ltr">${text}</code>`, load);
}

const renderInlines = (inlines: readonly Inline[], options: Rendering): unknown =>
  inlines.map((inline) => renderInline(inline, options));

function renderInline(inline: Inline, options: Rendering): unknown {
  effort.nodes += 1;
  switch (inline.type) {
    case 'text':
      return inline.text;
    case 'strong':
      return html`<strong>${renderInlines(inline.children, options)}</strong>`;
    case 'emphasis':
      return html`<em>${renderInlines(inline.children, options)}</em>`;
    case 'deleted':
      return html`<del>${renderInlines(inline.children, options)}</del>`;
    case 'run':
      return guard([inline, ...options.shared], () => renderInlines(inline.children, options));
    case 'code':
      return html`<code>${inline.text}</code>`;
    case 'break':
      return html`<br />`;
    case 'math':
      return html`<span dir="ltr" class="formula" ${formula(inline.text, inline.display)}></span>`;
    case 'link': {
      const text = renderInlines(inline.children, options);
      if (!options.links(inline.href))
        return html`<bdi>${text}</bdi> <span class="host" dir="ltr">(${inline.href})</span>`;
      const link = html`<a
        href=${inline.href}
        target="_blank"
        rel="noopener noreferrer nofollow ugc"
        referrerpolicy="no-referrer"
        ><bdi>${text}</bdi></a
      >`;
      return inline.host === '' ? link : html`${link} <span class="host" dir="ltr">(${inline.host})</span>`;
    }
    case 'image':
      if (inline.href !== '' && options.images(inline.href)) {
        return html`<img
          src=${inline.href}
          alt=${inline.alt}
          loading="lazy"
          decoding="async"
          referrerpolicy="no-referrer"
        />`;
      }
      return html`<span class="image">
        ${imageIcon()}<span class="hidden">${words.markdown.image}: </span><bdi>${inline.alt}</bdi>
        ${inline.host === '' ? nothing : html`<span class="host" dir="ltr">(${inline.host})</span>`}
      </span>`;
  }
}
