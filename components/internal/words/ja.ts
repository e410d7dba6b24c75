// Japanese. Fetched when an element stands in `lang="ja"` (texts.ts).

import type { SomeWords } from './catalogue.js';

export const catalogue: SomeWords = {};
