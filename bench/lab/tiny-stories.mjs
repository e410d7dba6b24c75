// The held-out tenth of the TinyStories excerpt, split as models/recipe/data/stories.py splits it (`tinystories`):
// texts lie line to line, paragraphs a blank line apart; the last tenth of the texts is held out.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

/** @returns {string[] | null} null where ../shared is absent */
export function heldOutTinyStories() {
  const file = join(import.meta.dirname, '../../../shared/data/corpora/tinystories-excerpt.txt.gz');
  if (!existsSync(file)) return null;
  const whole = gunzipSync(readFileSync(file)).toString('utf8').replaceAll('\r\n', '\n');
  const texts = whole
    .split(/(?<=[^\n])\n(?=[^\n])/)
    .map((text) => text.trim())
    .filter((text) => text !== '');
  return texts.slice(texts.length - Math.floor(texts.length / 10));
}
