// All of markdown that a chat needs for showing an answer, as one file of the build: fetched when somebody turns to writing
// (chat/parts.ts). Colours and formulas come later still (late.ts).

export { markdownStyles } from './markdown.styles.js';
export { keptRule } from './origins.js';
export { renderMarkdown } from './render.js';
export { MarkdownStream } from './stream.js';
export { blockText } from './tokens.js';
