// How much was read: characters that blocks.ts and inlines.ts looked at, counted for the tests and the bench that hold the
// cost of a token. Nothing else reads it.

export const effort = { characters: 0 };
