// Arabic. Fetched when an element stands in `lang="ar"` (texts.ts).

import type { SomeWords } from './catalogue.js';

export const catalogue: SomeWords = {};
