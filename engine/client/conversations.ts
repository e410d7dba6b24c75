// `engine.conversations`: what this device keeps of conversations, sealed. Made by Engine; the host owns the store, so
// that all tabs see the same. Nothing is kept here, and nothing is kept by itself: whoever embeds a chat calls `write`.

import type { Conversation, ConversationList, ConversationQuery } from '../protocol/conversations.js';
import type { Call } from './connection.js';

export class Conversations {
  /** @param erased `EngineState.changes.erased` as this page knows it */
  constructor(
    private readonly call: Call,
    private readonly erased: () => number,
  ) {}

  /**
   * Newest first.
   * @param query words that must all occur; without, everything, also what cannot be read any more
   * @throws EngineError `storage`
   */
  async list(query: ConversationQuery = {}): Promise<ConversationList> {
    return await this.call('listConversations', query);
  }

  /** @throws EngineError `conversation-not-found`, `conversation-unreadable`, `storage` */
  async read(id: string): Promise<Conversation> {
    return await this.call('readConversation', id);
  }

  /**
   * Resolves when it is on the disk.
   * @param removed ids of messages that were deleted here since it was read
   * @returns what is kept now, with the messages that other tabs added
   * @throws EngineError `storage` (no room, say), `invalid-request`, `conversation-unreadable`; `aborted` when everything was
   *   erased before this page heard of it
   */
  async write(conversation: Conversation, removed: readonly string[] = []): Promise<Conversation> {
    const erased = this.erased();
    return await this.call('writeConversation', { conversation, removed, erased });
  }

  /** Also one that cannot be read. @throws EngineError `conversation-not-found`, `storage` */
  async delete(id: string): Promise<void> {
    await this.call('deleteConversation', id);
  }
}
