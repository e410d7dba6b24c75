// What the visitor chose for this site: read when the engine begins, changed by any tab, told to all in the state. Called
// by EngineHost, which asks it what a load and an answer begin with. Knows nothing of tabs, models or stores' insides.
// What goes wrong: nothing can be read -> nothing was chosen; nothing can be written -> the choice acts, and the caller
// gets the store's error.

import type { EngineSettings } from '../protocol/host-api.js';
import { noPreferences, type PreferencesChange, type VisitorPreferences } from '../protocol/preferences.js';
import type { CompletionRequest } from '../protocol/text-completion.js';
import type { PreferencesStore } from '../routing/preferences-store.js';

export class Visitor {
  #preferences = noPreferences;
  /** Changed here before the store was read: that counts. */
  #changed = false;
  readonly ready: Promise<void>;

  constructor(private readonly store: PreferencesStore | undefined) {
    this.ready = this.#read();
  }

  get preferences(): VisitorPreferences {
    return this.#preferences;
  }

  /** Acts at once; resolves when it is stored. @throws EngineError `storage` when it acts but could not be stored */
  async change(change: PreferencesChange): Promise<void> {
    this.#changed = true;
    this.#preferences = { ...this.#preferences, ...change };
    await this.store?.write(this.#preferences);
  }

  /** Everything was erased: nothing is chosen any more. */
  forget(): void {
    this.#changed = true;
    this.#preferences = noPreferences;
  }

  /** The site's settings with what the visitor chose in their place. */
  over(settings: EngineSettings): EngineSettings {
    const { device, model } = this.#preferences;
    return { ...settings, device: device ?? settings.device, defaultModel: model ?? settings.defaultModel };
  }

  /** The request with the visitor's choices where it says nothing itself. */
  complete(request: CompletionRequest): CompletionRequest {
    const { maxTokens, temperature } = this.#preferences;
    const limited = (request.max_tokens ?? request.max_completion_tokens ?? null) !== null;
    const warm = (request.temperature ?? null) !== null;
    return {
      ...request,
      ...(limited || maxTokens === null ? {} : { max_completion_tokens: maxTokens }),
      ...(warm || temperature === null ? {} : { temperature }),
    };
  }

  async #read(): Promise<void> {
    const preferences = await this.store?.read();
    if (preferences !== undefined && !this.#changed) this.#preferences = preferences;
  }
}
