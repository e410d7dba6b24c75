// How much was done: characters that blocks.ts and inlines.ts looked at, nodes of the tree that render.ts made templates of.
// Counted for the tests that hold the cost of a token, which must not hang on a clock. Nothing else reads it.

export const effort = { characters: 0, nodes: 0 };
