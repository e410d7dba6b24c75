// The conversations that this device keeps, sealed (sealing.ts), in whatever medium there is. Owned by the host; pages
// reach it through `engine.conversations`. Writes of one conversation follow each other, and one that finds another
// tab's version merges with it.
// What goes wrong: no room, no storage -> EngineError `storage`, nothing is changed; a conversation whose key is gone or
// that is damaged is listed as such, can be deleted and costs no other; a strange record is treated as damage.

import * as v from 'valibot';
import {
  conversationSchema,
  type Conversation,
  type ConversationList,
  type ConversationQuery,
  type ConversationSummary,
  type ConversationWrite,
} from '../protocol/conversations.js';
import { EngineError } from '../protocol/errors.js';
import type { ConversationMedium, SealedHead, StoredKey } from './medium.js';
import { merge } from './merge.js';
import { makeKey, seal, unseal } from './sealing.js';
import { find, wordsOf } from './search.js';

const headSchema = v.object({
  title: v.string(),
  created: v.number(),
  updated: v.number(),
  messages: v.number(),
});

/** Writers that came between reading and writing, in a row, before that is told as a failure. */
const attempts = 5;
const usualLimit = 100;

type Unreadable = Extract<ConversationSummary, { readable: false }>;

export class ConversationStore {
  #writes: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly medium: ConversationMedium,
    private readonly createId: () => string = () => crypto.randomUUID(),
  ) {}

  get kind(): ConversationMedium['kind'] {
    return this.medium.kind;
  }

  /** Newest first. @throws EngineError `storage` */
  async list({ text = '', limit = usualLimit }: ConversationQuery = {}): Promise<ConversationList> {
    const words = wordsOf(text);
    return guard('read', async () => {
      const key = await this.medium.key();
      const heads = [...(await this.medium.heads())].sort((one, other) => other.updated - one.updated);
      const found: ConversationSummary[] = [];
      for (const head of heads) {
        const summary = words.length === 0 ? await this.#summary(key, head) : await this.#match(key, head, words);
        if (summary !== null) found.push(summary);
      }
      return { conversations: found.slice(0, limit), total: found.length, kind: this.kind };
    });
  }

  /** @throws EngineError `conversation-not-found`, `conversation-unreadable`, `storage` */
  async read(id: string): Promise<Conversation> {
    return guard('read', async () => {
      const conversation = await this.#open(await this.medium.key(), id);
      if (conversation === null) throw notFound();
      if ('reason' in conversation) throw unreadable(conversation);
      return conversation;
    });
  }

  /**
   * Keeps it; resolves when it is on the disk.
   * @returns what is kept now: also what another tab added
   * @throws EngineError `conversation-unreadable` where an older version is there that does not open, `storage`
   */
  write({ conversation, removed = [] }: ConversationWrite): Promise<Conversation> {
    const written = this.#writes.then(() => guard('write', () => this.#merge(conversation, removed)));
    this.#writes = written.catch(() => undefined); // told to its own caller; the next write goes on
    return written;
  }

  /** Also one that cannot be read. @returns false when it is not here. @throws EngineError `storage` */
  delete(id: string): Promise<boolean> {
    const deleted = this.#writes.then(() => guard('write', () => this.medium.delete(id)));
    this.#writes = deleted.catch(() => undefined);
    return deleted;
  }

  /** Every conversation and the key, which makes copies of them unreadable, too. @throws EngineError `storage` */
  clear(): Promise<void> {
    const cleared = this.#writes.then(() => guard('write', () => this.medium.clear()));
    this.#writes = cleared.catch(() => undefined);
    return cleared;
  }

  close(): void {
    this.medium.close();
  }

  async #merge(conversation: Conversation, removed: readonly string[]): Promise<Conversation> {
    for (let attempt = 0; attempt < attempts; attempt++) {
      const key = await this.#key(); // another engine may have erased everything since the last attempt
      const before = await this.medium.get(conversation.id);
      const kept = before === null ? null : await this.#open(key, conversation.id);
      if (kept !== null && 'reason' in kept) throw unreadable(kept);
      const whole = merge(kept, conversation, removed);
      const { id, title, created, updated, nodes } = whole;
      const messages = nodes.filter(({ message }) => message.role === 'user' || message.role === 'assistant').length;
      const revision = this.createId();
      const head = await seal(key.key, `${id} head`, { title, created, updated, messages });
      const body = await seal(key.key, `${id} body`, whole);
      const sealed = { id, keyId: key.id, updated, revision, head, body };
      if (await this.medium.put(sealed, before?.revision ?? null)) return whole;
    }
    throw new EngineError('storage', 'This conversation is written by several tabs at once and could not be kept.', {
      hint: 'Use it in one tab only, and write on there: then it is kept.',
    });
  }

  async #key(): Promise<StoredKey> {
    return (await this.medium.key()) ?? (await this.medium.addKey({ id: this.createId(), key: await makeKey() }));
  }

  async #summary(key: StoredKey | null, head: SealedHead): Promise<ConversationSummary> {
    const { id, updated } = plain(head);
    if (key === null || head.keyId !== key.id) return { readable: false, id, updated, reason: 'key-lost' };
    const sealed = head.head instanceof ArrayBuffer ? head.head : new ArrayBuffer(0);
    const opened = v.safeParse(headSchema, await unseal(key.key, `${id} head`, sealed));
    if (!opened.success) return { readable: false, id, updated, reason: 'damaged' };
    return { readable: true, id, ...opened.output, excerpt: '' };
  }

  async #match(key: StoredKey | null, head: SealedHead, words: readonly string[]): Promise<ConversationSummary | null> {
    const summary = await this.#summary(key, head);
    if (!summary.readable) return null;
    const conversation = await this.#open(key, summary.id);
    if (conversation === null || 'reason' in conversation) return null;
    const excerpt = find(words, conversation);
    return excerpt === null ? null : { ...summary, excerpt };
  }

  async #open(key: StoredKey | null, id: string): Promise<Conversation | Unreadable | null> {
    const record = await this.medium.get(id);
    if (record === null) return null;
    const { updated } = plain(record);
    if (key === null || record.keyId !== key.id) return { readable: false, id, updated, reason: 'key-lost' };
    const sealed = record.body instanceof ArrayBuffer ? record.body : new ArrayBuffer(0);
    const opened = v.safeParse(conversationSchema, await unseal(key.key, `${id} body`, sealed));
    return opened.success && opened.output.id === id
      ? opened.output
      : { readable: false, id, updated, reason: 'damaged' };
  }
}

/** Any script of the origin can write into the medium: what is not sealed is not believed either. */
function plain({ id, updated }: SealedHead): { readonly id: string; readonly updated: number } {
  return { id: String(id), updated: Number.isFinite(updated) && updated >= 0 ? updated : 0 };
}

const notFound = (): EngineError =>
  new EngineError('conversation-not-found', 'This conversation is not kept on this device.', {
    hint: 'It was deleted, perhaps in another tab.',
  });

const unreadable = ({ reason }: Unreadable): EngineError =>
  new EngineError(
    'conversation-unreadable',
    reason === 'key-lost'
      ? 'This conversation cannot be opened: the browser no longer has the key that it was locked with.'
      : 'This conversation cannot be opened: what this device kept of it is damaged.',
    { hint: 'It can only be deleted. Other conversations are not affected.' },
  );

async function guard<T>(what: 'read' | 'write', work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (thrown instanceof EngineError) throw thrown;
    const full = thrown instanceof DOMException && thrown.name === 'QuotaExceededError';
    const why = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
    throw new EngineError(
      'storage',
      full
        ? 'There is no room on this device to keep this conversation.'
        : `Conversations could not be ${what === 'read' ? 'read from' : 'kept on'} this device (${why}).`,
      {
        cause: thrown,
        hint: full
          ? 'Delete older conversations or a model. Until then, export what you want to keep.'
          : 'It goes on without being kept. Reload the page; if that does not help, export what you want to keep.',
      },
    );
  }
}
