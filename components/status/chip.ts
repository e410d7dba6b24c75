// What the chip says: one state of the engine in a word or two, chosen from all that may hold at once, the most pressing
// first. Pure; `<llm-status>` calls it before each render. It knows nothing of the screen.

import type { EngineState } from '../../engine/protocol/state.js';
import type { Connection } from '../internal/engine-store.js';
import { chipWords } from './status.words.js';

export const chipKinds = [
  'connecting',
  'idle',
  'loading',
  'paused',
  'ready',
  'answering',
  'waiting',
  'busy',
  'cloud',
  'recovering',
  'offline',
  'failed',
] as const;
export type ChipKind = (typeof chipKinds)[number];

export interface Chip {
  readonly kind: ChipKind;
  readonly text: string;
  /** The same while only a figure in `text` moves: what is said aloud once. */
  readonly aloud: string;
  /** Part done, from 0 to 1; null where nothing is measured. */
  readonly progress: number | null;
}

export function chipOf(connection: Connection, online: boolean): Chip {
  const { kind } = connection;
  if (kind === 'idle' || kind === 'connecting') return plain('connecting', chipWords.connecting);
  if (kind === 'failed') return plain('failed', chipWords.failed);
  const { engine, state } = connection;
  const { status, recovering, cloud } = state;
  if (cloud.active) return plain('cloud', chipWords.cloud);
  if (recovering !== null) {
    const { cause, action } = recovering;
    return plain(
      recovering.action === 'gave-up' ? 'failed' : 'recovering',
      chipWords.mending(chipWords.recovering[cause], chipWords.action[action]),
    );
  }
  if (status.kind === 'failed') return plain('failed', chipWords.failed);
  if (status.kind === 'loading') return loading(status);
  const place = state.waiting.indexOf(engine.tabId) + 1;
  if (place > 0) return plain('waiting', chipWords.waiting(place));
  if (state.generating.some(({ tabId }) => tabId === engine.tabId)) return plain('answering', chipWords.answering);
  if (state.generating.length > 0) return plain('busy', chipWords.otherTab);
  if (!online) return plain('offline', chipWords.offline);
  return status.kind === 'ready' ? plain('ready', chipWords.ready) : plain('idle', chipWords.idle);
}

function loading(status: Extract<EngineState['status'], { kind: 'loading' }>): Chip {
  const { phase, loadedBytes, totalBytes } = status;
  if (phase === 'preparing') return plain('loading', chipWords.preparing);
  const progress = totalBytes > 0 ? Math.min(1, loadedBytes / totalBytes) : null;
  if (phase === 'paused') return { ...plain('paused', chipWords.paused), progress };
  return { kind: 'loading', text: chipWords.loading(progress), aloud: chipWords.loading(null), progress };
}

const plain = (kind: ChipKind, text: string): Chip => ({ kind, text, aloud: text, progress: null });
