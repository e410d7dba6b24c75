// What a page may ask about conversations: keep, list, read and delete them, and count what a prompt costs. Called by
// EngineHost through its sessions; the store is engine/conversations', the counting the loaded model's. Every argument is
// a stranger's and is checked here.

import {
  parseConversationQuery,
  parseConversationWrite,
  parseCountTokens,
  type TokenCount,
} from '../protocol/conversations.js';
import { EngineError } from '../protocol/errors.js';
import { parseId } from '../protocol/host-api.js';
import type { ChatMessage } from '../protocol/chat.js';
import type { ConversationStore } from '../conversations/conversation-store.js';
import type { SessionCalls } from './tab-session.js';

export interface ConversationParts {
  /** Absent where nothing is kept. */
  readonly conversations?: () => Promise<ConversationStore>;
  /** Whether the visitor lets this site keep them. */
  readonly mayKeep: () => boolean;
  /** Something was kept, changed or deleted. */
  readonly changed: () => void;
  /** How often everything was erased; grows before it is. */
  readonly erased: () => number;
  /** The loaded model's count, null where its tokenizer is elsewhere (the cloud), and its context; null without one. */
  readonly count: (
    messages: readonly ChatMessage[],
  ) => { readonly tokens: number | null; readonly contextLength: number } | null;
}

export type ConversationCalls = Pick<
  SessionCalls,
  'countTokens' | 'listConversations' | 'readConversation' | 'writeConversation' | 'deleteConversation'
>;

export function conversationCalls(parts: ConversationParts): ConversationCalls {
  const { conversations, mayKeep, changed, count, erased } = parts;
  const store = async (): Promise<ConversationStore> => {
    if (conversations !== undefined) return await conversations();
    throw new EngineError('storage', 'This engine keeps no conversations.');
  };
  return {
    countTokens: async (_session, request): Promise<TokenCount> => {
      const { messages } = parseCountTokens(request);
      const counted = count(messages);
      const contextLength = counted?.contextLength ?? 0;
      return {
        tokens: counted?.tokens ?? estimate(messages),
        contextLength: contextLength === 0 ? null : contextLength, // the cloud does not say how much it reads
        exact: typeof counted?.tokens === 'number',
      };
    },
    listConversations: async (_session, query) => {
      const wanted = parseConversationQuery(query);
      if (conversations === undefined) return { conversations: [], total: 0, kind: 'none' };
      return await (await conversations()).list(wanted);
    },
    readConversation: async (_session, given) => {
      const id = parseId(given, 'the id');
      return await (await store()).read(id);
    },
    writeConversation: async (_session, request) => {
      const { erased: known = erased(), ...write } = parseConversationWrite(request);
      if (known < erased()) {
        throw new EngineError('aborted', 'Everything that this site keeps here was erased meanwhile.', {
          hint: 'What is said from now on can be kept.',
        });
      }
      if (!mayKeep()) {
        throw new EngineError('consent-required', 'You asked this site not to keep conversations.', {
          hint: 'You can change that in the settings.',
        });
      }
      const kept = await (await store()).write(write);
      changed();
      return kept;
    },
    deleteConversation: async (_session, given) => {
      const id = parseId(given, 'the id');
      const deleted = await (await store()).delete(id);
      changed();
      if (deleted) return null;
      throw new EngineError('conversation-not-found', 'This conversation is not kept on this device.');
    },
  };
}

/** Characters a token on average, in scripts that part words by spaces; others take about one each. */
const charactersPerToken = 4;
const dense = /[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Hang}\p{scx=Thai}]/gu;
/** What a template writes around each message. */
const tokensPerMessage = 4;

/** Near enough to say before a model is loaded whether a file will fit. */
function estimate(messages: readonly ChatMessage[]): number {
  let tokens = 0;
  for (const { content } of messages) {
    const text = content ?? '';
    const single = text.match(dense)?.length ?? 0;
    tokens += single + Math.ceil((text.length - single) / charactersPerToken) + tokensPerMessage;
  }
  return tokens;
}
