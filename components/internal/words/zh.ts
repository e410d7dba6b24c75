// Chinese, simplified. Fetched when an element stands in `lang="zh"` (texts.ts).

import type { SomeWords } from './catalogue.js';

export const catalogue: SomeWords = {};
