// `<llm-engine>`: settings for the elements inside it. A thin provider: it makes one store and hands it down by context;
// it connects when an element inside asks, and renders nothing but its children.

import { ContextProvider } from '@lit/context';
import { html, LitElement, css, type PropertyValues, type TemplateResult } from 'lit';
import { property } from '../internal/decorators.js';
import type { EngineState } from '../../engine/protocol/state.js';
import type { ConnectOptions } from '../../engine/client/index.js';
import type { EngineLike } from '../internal/engine.js';
import { connectWithClient, engineContext } from '../internal/engine-context.js';
import { EngineStore } from '../internal/engine-store.js';
import { LlmStateChangeEvent } from '../internal/events.js';

/**
 * @summary Settings that all elements inside it share. Elements outside any `<llm-engine>` share the page's default
 *   engine. However many there are, all tabs of a site share one engine and one copy of the weights; the first tab's
 *   settings hold.
 *
 * @tag llm-engine
 *
 * @slot - The elements that use these settings, anywhere inside.
 *
 * @event {LlmStateChangeEvent} llm-state-change - The engine's state changed; `detail` is the new state. Bubbles.
 */
export class LlmEngine extends LitElement {
  static override readonly styles = css`
    :host {
      display: contents;
    }
  `;

  /** Catalogue id or URL of the model to load when the visitor chose none. */
  @property({ reflect: true, useDefault: true }) model = '';

  /** Device to run on: `auto` takes the best that works. */
  @property({ reflect: true, useDefault: true }) device: 'auto' | 'webgpu' | 'wasm' = 'auto';

  /**
   * Where the engine lives: `auto` in a worker of its own that all tabs share, or, where the browser or the kit's address
   * allows none, in a tab that all tabs elect; `tab` in an elected tab in any case.
   */
  @property({ reflect: true, useDefault: true }) host: 'auto' | 'tab' = 'auto';

  /** Base URL of an OpenAI-compatible endpoint ("https://host/v1"). Used only when the visitor allows it. Holds no key. */
  @property({ attribute: 'cloud-url', useDefault: true }) cloudUrl = '';

  /** The endpoint's name of the model to ask for. */
  @property({ attribute: 'cloud-model', useDefault: true }) cloudModel = '';

  /** URL of the engine's worker script; beside the kit's own files unless set. */
  @property({ attribute: 'worker-url', useDefault: true }) workerUrl = '';

  /** URL of the catalogue of models; beside the kit's own files unless set. */
  @property({ attribute: 'catalogue-url', useDefault: true }) catalogueUrl = '';

  /** Ed25519 public keys (64 hex digits each, spaces between), by one of which a model must be signed. */
  @property({ attribute: 'trusted-keys', useDefault: true }) trustedKeys = '';

  /** Megabytes that one model's download may have; 0 for no limit. */
  @property({ attribute: 'max-download', type: Number, useDefault: true }) maxDownload = 0;

  /** An engine that the page connected itself, instead of the attributes above. */
  @property({ attribute: false }) engine: EngineLike | null = null;

  /** The engine's newest state; null until an element has connected. */
  get state(): EngineState | null {
    return this.#store.state;
  }

  // Before the first update, so that elements inside find a provider the moment they ask. The store connects lazily
  // and by then the attributes are here.
  readonly #provider = new ContextProvider(this, { context: engineContext, initialValue: this.#makeStore() });
  #unsubscribe: (() => void) | null = null;

  get #store(): EngineStore {
    return this.#provider.value;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#listen();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#unsubscribe?.();
    this.#unsubscribe = null;
  }

  override willUpdate(changed: PropertyValues<this>): void {
    const settings = [
      'model',
      'device',
      'host',
      'cloudUrl',
      'cloudModel',
      'workerUrl',
      'catalogueUrl',
      'trustedKeys',
      'maxDownload',
      'engine',
    ] as const;
    // A store that nobody has used yet reads the settings when it connects; later changes need another one.
    if (this.#store.connection.kind === 'idle') return;
    if (!settings.some((name) => changed.has(name))) return;
    const old = this.#store;
    this.#provider.setValue(this.#makeStore(true));
    old.close();
    this.#listen();
  }

  override render(): TemplateResult {
    return html`<slot></slot>`;
  }

  /** @param changed the page is connected already, with other settings */
  #makeStore(changed = false): EngineStore {
    return new EngineStore(() =>
      this.engine === null
        ? connectWithClient({ ...this.#options(), reconfigure: changed })
        : Promise.resolve(this.engine),
    );
  }

  #options(): ConnectOptions {
    const { model, device, cloudUrl, cloudModel, workerUrl, catalogueUrl, maxDownload } = this;
    const trustedKeys = this.trustedKeys.split(/\s+/).filter((key) => key !== '');
    return {
      device: device === 'webgpu' || device === 'wasm' ? device : 'auto', // as in HTML, a slip counts as absent
      host: this.host === 'tab' ? 'tab' : 'auto',
      ...(model === '' ? {} : { defaultModel: model }),
      ...(cloudUrl === '' ? {} : { cloudUrl }),
      ...(cloudModel === '' ? {} : { cloudModel }),
      ...(workerUrl === '' ? {} : { workerUrl }),
      ...(catalogueUrl === '' ? {} : { catalogueUrl }),
      ...(trustedKeys.length === 0 ? {} : { trustedKeys }),
      ...(maxDownload > 0 ? { maxDownload: maxDownload * 1_000_000 } : {}),
    };
  }

  #listen(): void {
    this.#unsubscribe?.();
    const store = this.#store;
    let told: EngineState | null = null;
    this.#unsubscribe = store.subscribe(() => {
      const { state } = store;
      if (state === null || state === told) return;
      told = state;
      this.dispatchEvent(new LlmStateChangeEvent(state, true));
    });
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'llm-engine': LlmEngine;
  }
}
