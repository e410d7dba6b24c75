// Everything that this origin keeps for the kit, place by place: what lies there, and erasing it. Called by EngineHost,
// which stops before what may write there. Places are handed in (kept-places.ts); this knows nothing of their insides.
// A place counts as erased only when it was looked at again and was empty. What goes wrong in one place is told and keeps
// no other from being erased.

import { EngineError } from '../protocol/errors.js';
import type { Erasure, KeptKind, KeptPart, KeptReport } from '../protocol/kept-data.js';

export interface KeptPlace {
  readonly kind: KeptKind;
  /** Items of this kind there, and their bytes (null: not told without reading all of it). */
  look(): Promise<{ readonly items: number; readonly bytes: number | null }>;
  /** Removes all of it. @throws whatever kept it from that */
  erase(): Promise<void>;
}

/** Bytes of the whole origin. */
export type StorageEstimate = () => Promise<{ readonly usage: number | null; readonly quota: number | null }>;

export class KeptData {
  constructor(
    private readonly places: readonly KeptPlace[],
    private readonly estimate: StorageEstimate,
  ) {}

  async report(): Promise<KeptReport> {
    const parts: KeptPart[] = [];
    const unreadable: KeptKind[] = [];
    for (const { kind, look } of this.#bound()) {
      try {
        parts.push({ kind, ...(await look()) });
      } catch (error) {
        void error; // told as unreadable: why does not help whoever asks what is here
        unreadable.push(kind);
      }
    }
    return { parts, unreadable, ...(await this.#estimated()) };
  }

  async erase(): Promise<Erasure> {
    const erased: KeptKind[] = [];
    const left: { kind: KeptKind; error: ReturnType<EngineError['toShape']> }[] = [];
    for (const { kind, look, erase } of this.#bound()) {
      try {
        await erase();
        const { items } = await look();
        if (items > 0) throw stillThere(items);
        erased.push(kind);
      } catch (error) {
        left.push({ kind, error: EngineError.from(error).toShape() });
      }
    }
    return { erased, left };
  }

  #bound() {
    return this.places.map((place) => ({
      kind: place.kind,
      look: () => place.look(),
      erase: () => place.erase(),
    }));
  }

  async #estimated() {
    try {
      return await this.estimate();
    } catch (error) {
      void error; // some browsers refuse to say
      return { usage: null, quota: null };
    }
  }
}

const stillThere = (items: number): EngineError =>
  new EngineError('storage', `${items} of them are still there after erasing.`, {
    hint: 'Close the other tabs of this site and erase again, or clear the site’s data in the browser’s settings.',
  });
