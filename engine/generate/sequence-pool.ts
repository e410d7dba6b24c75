// Keeps the sequences of finished answers, so that the next turn of a conversation prefills only what is new: the
// longest common prefix of the new prompt and what a sequence holds is kept, the rest truncated. Called by
// `generate.ts`; one pool for each decoder. Knows nothing of text, tabs or requests.
// What is kept is bounded in tokens (half as many full contexts as texts are decoded at once, by default) and in number;
// the oldest goes first. A sequence
// whose state is in doubt after an error is released, never reused.

import type { Decoder, Sequence } from '../decoders/decoder.js';

export interface SequencePoolOptions {
  /** Tokens that idle sequences may hold together; a context of the decoder for every two of its texts when absent. */
  readonly idleTokens?: number;
  /** Idle sequences at most. */
  readonly idleSequences?: number;
}

/** A sequence lent to one answer. */
export interface Lease {
  readonly sequence: Sequence;
  /** Ids that the sequence holds; the borrower adds what it appended. */
  readonly tokens: number[];
  /** Tokens of the prompt it was borrowed for; what follows them is the answer. */
  promptLength: number;
}

export class SequencePool {
  /** Oldest first. */
  private readonly idle: Lease[] = [];
  private readonly lent = new Set<Lease>();
  private readonly idleTokens: number;
  private readonly idleSequences: number;
  private closed = false;

  constructor(
    private readonly decoder: Decoder,
    options: SequencePoolOptions = {},
  ) {
    const { contextLength, concurrency = 1 } = decoder.info;
    this.idleTokens = options.idleTokens ?? contextLength * Math.ceil(concurrency / 2);
    this.idleSequences = options.idleSequences ?? Math.max(4, concurrency);
  }

  /**
   * A sequence that holds a prefix of `prompt`, at least one token short of it: the last one is always computed, for
   * its logits. A kept sequence serves when at least half of its own prompt is common, so an answer tried again and a
   * next turn find theirs; otherwise it is another conversation's and stays as it is.
   */
  borrow(prompt: readonly number[]): Lease {
    let best: { lease: Lease; common: number } | null = null;
    for (const lease of this.idle) {
      const common = Math.min(commonPrefix(lease.tokens, prompt), prompt.length - 1);
      if (common > (best?.common ?? 0)) best = { lease, common };
    }
    if (best !== null && best.common * 2 >= best.lease.promptLength) {
      const { lease, common } = best;
      this.idle.splice(this.idle.indexOf(lease), 1);
      lease.sequence.truncate(common);
      lease.tokens.length = common;
      lease.promptLength = prompt.length;
      this.lent.add(lease);
      return lease;
    }
    this.evict(prompt.length);
    const lease: Lease = { sequence: this.decoder.openSequence(), tokens: [], promptLength: prompt.length };
    this.lent.add(lease);
    return lease;
  }

  /** Takes a sequence back for reuse; releases it if it does not hold what it should. */
  giveBack(lease: Lease): void {
    if (!this.lent.delete(lease)) return;
    if (this.closed || lease.tokens.length === 0 || lease.sequence.length !== lease.tokens.length) {
      lease.sequence.release();
      return;
    }
    this.idle.push(lease);
    this.evict(0);
  }

  /** Releases a sequence that is not to be used again. */
  discard(lease: Lease): void {
    this.lent.delete(lease);
    lease.sequence.release();
  }

  /** Releases what nobody uses, for want of memory. @returns whether there was anything */
  releaseIdle(): boolean {
    const released = this.idle.splice(0);
    for (const { sequence } of released) sequence.release();
    return released.length > 0;
  }

  /** Releases all sequences, those lent as well. Safe to call twice. */
  close(): void {
    this.closed = true;
    for (const lease of [...this.idle.splice(0), ...this.lent]) lease.sequence.release();
    this.lent.clear();
  }

  /** @param coming tokens of a sequence about to be opened: what is idle makes room for it */
  private evict(coming: number): void {
    const held = (): number => this.idle.reduce((sum, lease) => sum + lease.tokens.length, 0);
    while (this.idle.length > this.idleSequences || (this.idle.length > 0 && held() + coming > this.idleTokens)) {
      this.idle.shift()?.sequence.release();
    }
  }
}

function commonPrefix(a: readonly number[], b: readonly number[]): number {
  const most = Math.min(a.length, b.length);
  let length = 0;
  while (length < most && a[length] === b[length]) length++;
  return length;
}
