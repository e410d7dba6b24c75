// Our markdown tree to Lit templates: elements made by name, text always as text nodes, `href` only from links.ts.
// Called by `<llm-chat>` with the blocks of a MarkdownStream. No string ever becomes markup, so the page's Trusted Types
// need to allow nothing but Lit's own policy for its static templates ("lit-html").
// Finished blocks are guarded by identity: they are neither rendered nor compared again.

import { html, nothing, type TemplateResult } from 'lit';
import { guard } from 'lit/directives/guard.js';
import { repeat } from 'lit/directives/repeat.js';
import { checkIcon, cloudIcon, copyIcon, imageIcon } from '../icons.js';
import { words } from '../words.js';
import type { StreamedBlock } from './stream.js';
import type { Alignment, Block, Inline, ListItem } from './tokens.js';

export interface MarkdownOptions {
  /** Offset from which on the text came from the cloud; null for none of it. */
  readonly cloudFrom: number | null;
  /** Who wrote the part from the cloud. */
  readonly cloudName: string;
  /** Copies the text of a code block; resolves to whether the browser let it. */
  readonly copy: (text: string) => Promise<boolean>;
}

/** All blocks of an answer, keyed, those from the cloud marked. */
export function renderMarkdown(blocks: readonly StreamedBlock[], options: MarkdownOptions): unknown {
  const { cloudFrom } = options;
  const firstCloud = cloudFrom === null ? undefined : blocks.find(({ end }) => end > cloudFrom);
  return repeat(
    blocks,
    ({ key }) => key,
    (streamed) => {
      const cloud = cloudFrom !== null && streamed.end > cloudFrom;
      // The badge over the message says it where all of it is from the cloud; a change within is marked in its place.
      const changes = streamed === firstCloud && cloudFrom !== null && cloudFrom > 0;
      return html`${
          changes
            ? html`<p class="from-cloud">${cloudIcon()}<span>${words.chat.cloudFrom(options.cloudName)}</span></p>`
            : nothing
        }
        <div class="block" ?data-cloud=${cloud}>${guard([streamed], () => renderBlock(streamed.block, options))}</div>`;
    },
  );
}

function renderBlock(block: Block, options: MarkdownOptions): TemplateResult {
  switch (block.type) {
    case 'paragraph':
      return html`<p dir="auto">${renderInlines(block.children)}</p>`;
    case 'heading':
      return renderHeading(block.level, block.children);
    case 'code':
      return renderCode(block.text, block.language, options);
    case 'quote':
      return html`<blockquote dir="auto">${block.children.map((child) => renderBlock(child, options))}</blockquote>`;
    case 'list': {
      const items = block.items.map((item) => renderItem(item, options));
      return block.ordered
        ? html`<ol dir="auto" start=${block.start}>
            ${items}
          </ol>`
        : html`<ul dir="auto">
            ${items}
          </ul>`;
    }
    case 'table':
      return html`<div class="scroll" role="group" tabindex="0" aria-label=${words.markdown.table}>
        <table dir="auto">
          <thead>
            <tr>
              ${block.header.map((cell, column) => html`<th scope="col" data-align=${alignOf(block.align, column)}>${renderInlines(cell)}</th>`)}
            </tr>
          </thead>
          <tbody>
            ${block.rows.map(
              (row) =>
                html`<tr>
                  ${row.map((cell, column) => html`<td data-align=${alignOf(block.align, column)}>${renderInlines(cell)}</td>`)}
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
function renderHeading(level: number, children: readonly Inline[]): TemplateResult {
  const text = renderInlines(children);
  if (level === 1) return html`<h3 dir="auto">${text}</h3>`;
  if (level === 2) return html`<h4 dir="auto">${text}</h4>`;
  if (level === 3) return html`<h5 dir="auto">${text}</h5>`;
  return html`<h6 dir="auto">${text}</h6>`;
}

function renderItem(item: ListItem, options: MarkdownOptions): TemplateResult {
  // A tight item's only paragraph is its text: no margins of its own.
  const body = item.children.map((child, index) =>
    child.type === 'paragraph' && index === 0 ? html`${renderInlines(child.children)}` : renderBlock(child, options),
  );
  if (item.checked === null) return html`<li>${body}</li>`;
  return html`<li class="task">
    <span class="tick" ?data-checked=${item.checked} aria-hidden="true">${item.checked ? checkIcon() : nothing}</span>
    <span class="hidden">${item.checked ? words.markdown.done : words.markdown.open}:</span>
    ${body}
  </li>`;
}

function renderCode(text: string, language: string, options: MarkdownOptions): TemplateResult {
  const label = language === '' ? words.code.block : words.code.named(language);
  const copy = async (event: Event) => {
    const button = event.currentTarget;
    if (!(button instanceof HTMLButtonElement) || !(await options.copy(text))) return;
    button.toggleAttribute('data-copied', true);
    setTimeout(() => button.toggleAttribute('data-copied', false), 2_000);
  };
  return html`<figure class="code" part="code">
    <figcaption>
      <span>${language === '' ? words.code.block : language}</span>
      <button type="button" class="plain" @click=${copy}>
        ${copyIcon()}<span class="when-idle">${words.code.copy}</span
        ><span class="when-copied">${words.code.copied}</span>
      </button>
    </figcaption>
    <pre dir="ltr" tabindex="0" role="group" aria-label=${label}><code>${text}</code></pre>
  </figure>`;
}

const renderInlines = (inlines: readonly Inline[]): unknown => inlines.map(renderInline);

function renderInline(inline: Inline): unknown {
  switch (inline.type) {
    case 'text':
      return inline.text;
    case 'strong':
      return html`<strong>${renderInlines(inline.children)}</strong>`;
    case 'emphasis':
      return html`<em>${renderInlines(inline.children)}</em>`;
    case 'deleted':
      return html`<del>${renderInlines(inline.children)}</del>`;
    case 'code':
      return html`<code>${inline.text}</code>`;
    case 'break':
      return html`<br />`;
    case 'link': {
      const link = html`<a
        href=${inline.href}
        target="_blank"
        rel="noopener noreferrer nofollow ugc"
        referrerpolicy="no-referrer"
        ><bdi>${renderInlines(inline.children)}</bdi></a
      >`;
      return inline.host === '' ? link : html`${link} <span class="host" dir="ltr">(${inline.host})</span>`;
    }
    case 'image':
      return html`<span class="image">
        ${imageIcon()}<span class="hidden">${words.markdown.image}: </span><bdi>${inline.alt}</bdi>
        ${inline.host === '' ? nothing : html`<span class="host" dir="ltr">(${inline.host})</span>`}
      </span>`;
  }
}
