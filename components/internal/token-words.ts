// Tokens in words, for the chat's rows and the metrics: a part of the catalogue's section `chat` (words.ts).

import { formatNumber, plural } from './format.js';
import { section } from './texts.js';

export const tokenWords = section('chat', {
  tokens: (count: number) =>
    plural(count, { one: `${formatNumber(count)} token`, other: `${formatNumber(count)} tokens` }),
});
