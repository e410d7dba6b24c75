// The life of a page as the browser tells it: put aside (back/forward cache, frozen, discarded or gone: nobody can know
// which) and back again, seen and hidden. Used by Engine, which must hold nothing of the engine while the page is put
// aside: a page in the cache that held a lock or hosted the engine would stop every other tab.
// Source: HTML standard (pagehide, pageshow, visibilitychange); Page Lifecycle (freeze, resume; Chromium).

export interface PageLifeEvents {
  /** The page is put aside, perhaps for ever: let everything go now, no task comes after this one. */
  aside(): void;
  /** It is back. */
  back(): void;
  /** Somebody can see it, or no longer. */
  seen(visible: boolean): void;
}

export class PageLife {
  #back: { readonly promise: Promise<void>; readonly resolve: () => void } | null = null;
  readonly #listening = new AbortController();

  constructor(private readonly events: PageLifeEvents) {
    const { signal } = this.#listening;
    globalThis.addEventListener('pagehide', this.#aside, { signal });
    globalThis.addEventListener('pageshow', this.#shown, { signal });
    document.addEventListener('freeze', this.#aside, { signal });
    document.addEventListener('resume', this.#return, { signal });
    document.addEventListener('visibilitychange', () => events.seen(this.visible), { signal });
  }

  get visible(): boolean {
    return document.visibilityState === 'visible';
  }

  get isAside(): boolean {
    return this.#back !== null;
  }

  /** Resolves when the page is not put aside. Never, for a page that does not come back: nobody waits there any more. */
  async here(): Promise<void> {
    await this.#back?.promise;
  }

  close(): void {
    this.#listening.abort();
    this.#back?.resolve();
    this.#back = null;
  }

  #aside = (): void => {
    if (this.#back) return; // frozen and then unloaded
    let resolve: () => void = () => undefined;
    const promise = new Promise<void>((settle) => {
      resolve = settle;
    });
    this.#back = { promise, resolve };
    this.events.aside();
  };

  #shown = (event: PageTransitionEvent): void => {
    if (event.persisted) this.#return();
  };

  #return = (): void => {
    const back = this.#back;
    if (!back) return;
    this.#back = null;
    back.resolve();
    this.events.back();
  };
}
