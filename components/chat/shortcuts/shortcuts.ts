// The list of keyboard shortcuts, in a dialog; fetched when somebody asks for it. What the keys do is in keys.ts; no key of
// a screen reader, of a browser or of an operating system is taken, and single letters only outside of fields.

import { css, html, type TemplateResult } from 'lit';
import { adopt } from '../../internal/adopt.js';
import type { DialogContent } from '../dialog/dialog.js';
import type { ChatParts } from '../parts.js';
import { shortcutsWords } from './shortcuts.words.js';

const styles = css`
  .shortcuts {
    display: grid;
    grid-template-columns: auto minmax(0, 1fr);
    gap: 0.6rem 1.25rem;
    margin: 0;
  }

  .shortcuts dt {
    white-space: nowrap;
  }

  .shortcuts dd {
    margin: 0;
  }

  kbd {
    display: inline-block;
    min-inline-size: 1.6rem;
    padding: 0.05rem 0.45rem;
    border: 1px solid var(--_strong-line);
    border-block-end-width: 2px;
    border-radius: 6px;
    background: var(--_raised);
    font: inherit;
    font-size: 0.875em;
    text-align: center;
  }
`;

export function shortcutsDialog({ host }: ChatParts): DialogContent {
  adopt(host, styles);
  return { title: () => shortcutsWords.title, render };
}

function render(): TemplateResult {
  const { keys } = shortcutsWords;
  const rows: readonly (readonly [readonly string[], string])[] = [
    [[keys.enter], shortcutsWords.send],
    [[keys.shift, keys.enter], shortcutsWords.line],
    [[keys.escape], shortcutsWords.stop],
    [[keys.up], shortcutsWords.edit],
    [[keys.escape], shortcutsWords.leave],
    [[keys.up, keys.down], shortcutsWords.log],
    [[keys.question], shortcutsWords.list],
  ];
  return html`<dl class="shortcuts">
    ${rows.map(
      ([pressed, does]) =>
        html`<dt>${pressed.map((key, index) => html`${index > 0 ? ' ' : ''}<kbd>${key}</kbd>`)}</dt>
          <dd>${does}</dd>`,
    )}
  </dl>`;
}
