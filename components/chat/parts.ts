// What a chat is made of, and who works with whom: one of each per `<llm-chat>`. Every part gets all of this and asks the
// others when something happens, never while they are made. What is not here but in a `Lazy` is fetched later.

import type { ChatMessage } from '../../engine/protocol/chat.js';
import type { EngineError } from '../../engine/protocol/errors.js';
import { EngineController } from '../internal/engine-controller.js';
import { SpeakerController } from '../internal/speaker.js';
import type { ChatSettings } from './chat-settings.js';
import { Composer } from './composer.js';
import { Lazy } from './lazy.js';
import { RareController } from './rare.js';
import { TalkController } from './talk.js';
import { Troubles } from './troubles.js';
import type { Turns } from './turns/turns.js';

/** The element, as its parts see it: what the page set, a place for events and renders, and these two. */
export interface ChatHost extends ChatSettings {
  readonly messages: readonly ChatMessage[];
  newChat(): void;
}

export class ChatParts {
  readonly host: ChatHost;
  readonly engine: EngineController;
  readonly speaker: SpeakerController;
  readonly troubles: Troubles;
  readonly talk: TalkController;
  readonly composer: Composer;
  readonly rare: RareController;
  /** What shows messages, and what can be done with them: fetched when somebody turns to writing. */
  readonly turns: Lazy<Turns>;

  /** @param engineChanged called when the engine's state did, before the render */
  constructor(host: ChatHost, engineChanged: () => void) {
    this.host = host;
    this.engine = new EngineController(host, engineChanged);
    this.speaker = new SpeakerController(host);
    this.troubles = new Troubles(host, () => this.engine.store, this.speaker);
    this.turns = this.lazy(async () => {
      // All at once, and not the one when the other says that it needs it.
      const [{ Turns }] = await Promise.all([
        import('./turns/turns.js'),
        import('../internal/markdown/markdown.js'),
        import('./ask.js'),
      ]);
      return new Turns(this);
    });
    this.talk = new TalkController(this);
    this.composer = new Composer(this);
    this.rare = new RareController(this);
  }

  /** Shows a failure of a part and says it. */
  fail(error: EngineError): void {
    this.troubles.show(error);
  }

  /** A part that is fetched later; that it could not be is shown and said. */
  lazy<Part>(load: () => Promise<Part>): Lazy<Part> {
    return new Lazy(this.host, load, (error) => this.fail(error));
  }

  /** Something is asked for: what failed before is of no interest, and the end of the log is. */
  asks(): void {
    void this.turns.get();
    this.troubles.forget();
    this.turns.part?.follow.latest();
  }

  /** What a request would send is another: the meter counts anew. */
  draftChanged(): void {
    this.turns.part?.meter.changed();
  }
}
