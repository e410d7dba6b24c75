// Spanish. Fetched when an element stands in `lang="es"` (texts.ts).

import type { SomeWords } from './catalogue.js';

export const catalogue: SomeWords = {};
