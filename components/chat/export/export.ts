// Saves the conversation as a file and opens one; fetched when somebody asks for it (rare.ts). A page may veto a saving by
// `llm-export` and do with the text what it likes.

import type { Conversation } from '../../../engine/protocol/conversations.js';
import { EngineError } from '../../../engine/protocol/errors.js';
import { LlmExportEvent } from '../../internal/events.js';
import { inLanguageOf } from '../../internal/texts.js';
import { words } from '../../internal/words.js';
import type { ChatParts } from '../parts.js';
import { exportWords } from './export.words.js';
import { checkLength, fileName, fromJson, toJson, toMarkdown } from './transcript.js';
import { turnsWords } from '../turns/turns.words.js';

/** Milliseconds after which the browser has certainly begun to save. */
const kept = 60_000;

export class Export {
  constructor(private readonly parts: ChatParts) {}

  save(format: 'markdown' | 'json', conversation: Conversation): void {
    const { host, speaker } = this.parts;
    const text =
      format === 'json'
        ? toJson(conversation)
        : inLanguageOf(host, () =>
            toMarkdown(conversation, {
              you: words.chat.you,
              assistant: words.chat.assistant,
              cloud: words.chat.cloud,
              onDevice: turnsWords.onDevice,
              file: (name) => exportWords.file(name),
            }),
          );
    const name = fileName(conversation.title, format === 'json' ? 'json' : 'md');
    if (!host.dispatchEvent(new LlmExportEvent({ format, fileName: name, text }))) return;
    download(name, text, format === 'json' ? 'application/json' : 'text/markdown');
    speaker.say(() => exportWords.saved(name));
  }

  /** Asks for a file. @returns what it holds; null where none was chosen or it holds none, which is told */
  async open(): Promise<Conversation | null> {
    const file = await choose();
    if (file === null) return null;
    try {
      checkLength(file.size);
      const newId = (): string => crypto.getRandomValues(new Uint32Array(3)).join('-');
      const { conversation, instructions } = fromJson(await file.text(), newId);
      this.parts.speaker.say(() => (instructions === 0 ? exportWords.opened : exportWords.openedWithout));
      return conversation;
    } catch (thrown) {
      this.parts.fail(EngineError.from(thrown));
      return null;
    }
  }
}

/** By a link that is pressed for the visitor: the only way that works in every browser, and no policy forbids it. */
function download(name: string, text: string, type: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), kept);
}

function choose(): Promise<File | null> {
  return new Promise((resolve) => {
    const input = document.createElement('input');
    input.type = 'file';
    input.accept = '.json,application/json';
    input.addEventListener('change', () => resolve(input.files?.[0] ?? null), { once: true });
    input.addEventListener('cancel', () => resolve(null), { once: true });
    input.click();
  });
}
