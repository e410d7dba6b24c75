// How the catalogue's models would do on this device, found out when somebody asks and told in the state from then on.
// Called by visitor-calls.ts and EngineHost; the judging is routing/verdicts.ts.
// What goes wrong: the catalogue cannot be fetched -> its error; a device that cannot be measured is judged unmeasured.

import type { ModelListing, ModelVerdict } from '../protocol/state.js';
import { judge, type Abilities } from '../routing/verdicts.js';

export interface VerdictParts {
  /** Measured; may be called often. */
  readonly abilities: () => Promise<Abilities>;
  /** Waits for the catalogue. */
  readonly listings: () => Promise<readonly ModelListing[]>;
}

export class Verdicts {
  #current: readonly ModelVerdict[] = [];

  constructor(private readonly parts: VerdictParts) {}

  /** Empty until assessed. */
  get current(): readonly ModelVerdict[] {
    return this.#current;
  }

  /** @throws EngineError of the catalogue */
  async assess(): Promise<void> {
    const [listings, abilities] = await Promise.all([this.parts.listings(), this.parts.abilities()]);
    this.#current = listings.map((listing) => judge(listing, abilities));
  }

  /** The site names another catalogue. */
  reset(): void {
    this.#current = [];
  }
}
