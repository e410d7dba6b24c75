// Limits that pages and the host share, apart from the schemas that hold them: a page that only reads them downloads no
// schema.

/** The longest answer a visitor may choose, in tokens: more than any context of today. */
export const mostTokens = 1_000_000;
/** OpenAI's upper end. */
export const highestTemperature = 2;
