// The visitor's switch for the cloud, where the site set an endpoint; fetched when the engine says so (rare.ts). Shows what
// the state says, not what was clicked.

import { css, html, type TemplateResult } from 'lit';
import { live } from 'lit/directives/live.js';
import type { EngineState } from '../../../engine/protocol/state.js';
import { adopt } from '../../internal/adopt.js';
import { cloudIcon } from '../../internal/icons.js';
import type { ChatParts } from '../parts.js';
import { cloudWords } from './cloud.words.js';

const styles = css`
  .cloud-switch {
    display: flex;
    align-items: center;
    gap: 0.5rem;
    padding: 0 1rem 0.75rem;
    font-size: 0.875em;
    color: var(--_quiet);
    cursor: pointer;
  }

  .cloud-switch span {
    min-inline-size: 0;
    overflow-wrap: anywhere;
  }

  .cloud-switch input {
    appearance: none;
    flex: none;
    inline-size: 2.4rem;
    block-size: 1.4rem;
    margin: 0;
    border: 1.5px solid var(--_strong-line);
    border-radius: 999px;
    background: radial-gradient(circle at 0.62rem, var(--_strong-line) 0.38rem, transparent 0.42rem) var(--_surface);
    cursor: pointer;
  }

  .cloud-switch input:dir(rtl),
  .cloud-switch input:checked {
    background: radial-gradient(circle at calc(100% - 0.62rem), var(--_surface) 0.38rem, transparent 0.42rem)
      var(--_cloud);
    border-color: var(--_cloud);
  }

  .cloud-switch input:dir(rtl):not(:checked) {
    background: radial-gradient(circle at calc(100% - 0.62rem), var(--_strong-line) 0.38rem, transparent 0.42rem)
      var(--_surface);
    border-color: var(--_strong-line);
  }

  .cloud-switch input:dir(rtl):checked {
    background: radial-gradient(circle at 0.62rem, var(--_surface) 0.38rem, transparent 0.42rem) var(--_cloud);
  }

  @media (forced-colors: active) {
    .cloud-switch input {
      appearance: auto;
    }
  }
`;

export type CloudState = EngineState['cloud'] & { readonly endpoint: string };

export function cloudSwitch({ host, troubles }: ChatParts): (cloud: CloudState) => TemplateResult {
  adopt(host, styles);
  const changed = (event: Event) => {
    if (event.currentTarget instanceof HTMLInputElement) void troubles.allowCloud(event.currentTarget.checked);
  };
  return ({ endpoint, allowed }) =>
    html`<label class="cloud-switch" part="cloud-switch">
      <input type="checkbox" role="switch" .checked=${live(allowed)} @change=${changed} />
      ${cloudIcon()}
      <span>${cloudWords.cloudSwitch(endpoint)}. ${cloudWords.cloudSwitchDetail}</span>
    </label>`;
}
