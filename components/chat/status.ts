// What the engine is doing, in one line of words for the chat's header and for an answer that waits. Pure.

import type { Connection } from '../internal/engine-store.js';
import { words } from '../internal/words.js';

export interface StatusLine {
  /** Shown as it changes. */
  readonly text: string;
  /** The same in a word or two. */
  readonly short: string;
  /** Said once per kind of state, never per byte; empty for what needs no announcement. */
  readonly aloud: string;
  readonly icon: 'device' | 'cloud' | null;
  /** Part done, from 0 to 1; 'unknown' while something goes on without a measure; null when nothing does. */
  readonly progress: number | 'unknown' | null;
}

const quiet: StatusLine = { text: '', short: '', aloud: '', icon: null, progress: null };

/**
 * @param waiting this chat waits for the first word of an answer
 */
export function statusLine(connection: Connection, waiting: boolean): StatusLine {
  if (connection.kind === 'connecting') {
    return waiting ? { ...quiet, text: words.status.connecting, progress: 'unknown' } : quiet;
  }
  if (connection.kind !== 'connected') return quiet;
  const { engine, state } = connection;
  const { status, recovering } = state;
  if (recovering !== null && recovering.action !== 'gave-up') {
    const { message } = recovering;
    return { text: message, short: words.status.recovering, aloud: message, icon: null, progress: 'unknown' };
  }
  if (status.kind === 'loading') {
    const { modelName, loadedBytes, totalBytes, phase } = status;
    if (phase === 'preparing') {
      const text = words.status.preparing(modelName);
      return { text, short: words.status.loading, aloud: text, icon: null, progress: 'unknown' };
    }
    const paused = phase === 'paused';
    const text = (paused ? words.status.paused : words.status.downloading)(modelName, loadedBytes, totalBytes);
    return {
      text,
      short: words.status.loading,
      aloud: paused ? text : words.status.downloadingAloud(modelName),
      icon: null,
      progress: totalBytes > 0 ? Math.min(1, loadedBytes / totalBytes) : 'unknown',
    };
  }
  const place = state.waiting.indexOf(engine.tabId) + 1;
  if (place > 0) {
    const text = words.status.place(place);
    return { text, short: words.status.waiting, aloud: text, icon: null, progress: null };
  }
  if (state.generating.length > 0 && state.generating.every(({ tabId }) => tabId !== engine.tabId)) {
    return { ...quiet, text: words.status.otherTab, short: words.status.waiting };
  }
  if (state.cloud.active) {
    return { text: words.chat.cloud, short: words.chat.cloud, aloud: '', icon: 'cloud', progress: null };
  }
  if (status.kind === 'idle') return { ...quiet, text: waiting ? words.status.connecting : words.status.idle };
  if (status.kind !== 'ready') return quiet;
  const { model } = status;
  return {
    text: model.name,
    short: model.name,
    aloud: words.status.ready(model.name),
    icon: model.backend === 'cloud' ? 'cloud' : 'device',
    progress: null,
  };
}
