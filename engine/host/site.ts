// What holds for the site: the settings that its first tab brought, and the visitor's cloud switch. Called by
// EngineHost; knows nothing of tabs or models. The switch counts only together with an endpoint, and is off until the
// store has said that this visitor allowed this endpoint.

import { EngineError } from '../protocol/errors.js';
import type { EngineSettings } from '../protocol/host-api.js';
import type { ConsentStore } from '../routing/consent-store.js';

export class Site {
  #settings: EngineSettings | null = null;
  #allowed = false;
  #consentRead: Promise<void> = Promise.resolve();

  constructor(private readonly consent: ConsentStore) {}

  /** @throws EngineError `internal` before any tab brought settings */
  get settings(): EngineSettings {
    if (this.#settings) return this.#settings;
    throw new EngineError('internal', 'The engine was used before any page said hello.');
  }

  /** The endpoint's host name and port; null without one. */
  get endpoint(): string | null {
    const cloudUrl = this.#settings?.cloudUrl ?? null;
    return cloudUrl === null ? null : new URL(cloudUrl).host;
  }

  /** The site set an endpoint and the visitor allows it. */
  get cloudAllowed(): boolean {
    return this.#allowed && this.endpoint !== null;
  }

  /**
   * @param inUse a tab uses the engine under the settings that hold
   * @returns what became of them: the first ones, the same as or overruled by those that hold, or in their place
   */
  async adopt(settings: EngineSettings, inUse: boolean): Promise<'first' | 'kept' | 'replaced'> {
    const before = this.#settings;
    const same = before !== null && JSON.stringify(before) === JSON.stringify(settings);
    if (before === null || !(inUse || same)) {
      this.#settings = settings;
      this.#allowed = false;
      if (settings.cloudUrl !== null) this.#consentRead = this.#readConsent(settings.cloudUrl);
    }
    await this.#consentRead;
    return before === null ? 'first' : inUse || same ? 'kept' : 'replaced';
  }

  /**
   * Acts at once; resolves when it is stored.
   * @throws EngineError `invalid-request` without an endpoint; `storage` when it acts but could not be stored
   */
  async allowCloud(allowed: boolean): Promise<void> {
    const { cloudUrl } = this.settings;
    if (cloudUrl === null) {
      if (!allowed) return;
      throw new EngineError('invalid-request', 'This site has set no cloud endpoint: there is nothing to allow.', {
        hint: 'The owner of this site can name one.',
      });
    }
    this.#allowed = allowed;
    await this.consent.write(cloudUrl, allowed);
  }

  async #readConsent(cloudUrl: string): Promise<void> {
    const allowed = await this.consent.read(cloudUrl);
    if (this.#settings?.cloudUrl === cloudUrl) this.#allowed = allowed;
  }
}
