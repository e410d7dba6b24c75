// Whether an answer is right: the checks of models/recipe/evaluate.py (`score`), in JavaScript, over what the kit's
// engine answered. Pure functions; bench/eval.mjs calls them.

/** Share of word n-grams that have been said before in the same text. */
export function repeatedShare(text, n = 4) {
  const words = text.toLowerCase().match(/[a-z']+/g) ?? [];
  const grams = words.slice(0, Math.max(0, words.length - n + 1)).map((_, i) => words.slice(i, i + n).join(' '));
  return grams.length === 0 ? 0 : 1 - new Set(grams).size / grams.length;
}

const wordsOf = (text) => new Set(text.toLowerCase().match(/[\p{L}\p{N}_<>-]+/gu) ?? []);

/** The guide family whose answer's words are nearest (Jaccard), so that small slips of wording do not count. */
export function guideFamilyOf(text, families) {
  const words = wordsOf(text);
  let best = '';
  let nearest = -1;
  for (const [family, answers] of Object.entries(families)) {
    for (const answer of answers) {
      const other = wordsOf(answer);
      const shared = [...words].filter((word) => other.has(word)).length;
      const near = shared / Math.max(1, words.size + other.size - shared);
      if (near > nearest) [best, nearest] = [family, near];
    }
  }
  return best;
}

/** Equal as JSON values, whatever the order of keys. */
function sameValue(one, two) {
  if (typeof one !== 'object' || one === null || typeof two !== 'object' || two === null) return one === two;
  const keys = Object.keys(one);
  return keys.length === Object.keys(two).length && keys.every((key) => key in two && sameValue(one[key], two[key]));
}

const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

function scoreCall(wanted, { text, toolCalls }) {
  const called = toolCalls[0]?.function;
  if (wanted === null) return { right: called === undefined && !text.includes('<tool_call>') };
  if (called === undefined) return { valid: false, right: false };
  const right = called.name === wanted.name && sameValue(JSON.parse(called.arguments), wanted.arguments);
  return { valid: true, right };
}

/**
 * @param {Record<string, unknown>} expect what the held-out example says of a right answer
 * @param {{text: string, toolCalls: readonly {function: {name: string, arguments: string}}[]}} answer
 * @param {Record<string, string[]>} families guide family -> its answers
 * @returns {Record<string, boolean | number>}
 */
export function scoreAnswer(expect, answer, families) {
  const text = answer.text.trim();
  if ('call' in expect) return scoreCall(expect.call, answer);
  if ('exact' in expect) return { right: text === expect.exact.trim() };
  if ('answer' in expect) {
    return { right: new RegExp(`(?<![\\w-])${escaped(expect.answer.toLowerCase())}(?!\\w)`).test(text.toLowerCase()) };
  }
  if ('family' in expect) {
    return { right: [expect.family, ...(expect.also ?? [])].includes(guideFamilyOf(text, families)) };
  }
  if ('subject' in expect) {
    // A whole word, or its plural: a story about a duckling is none about a duck.
    const subject = expect.subject.every((word) => new RegExp(`\\b${word}(s|es)?\\b`, 'i').test(text));
    const ended = /[.!?"']$/.test(text);
    const repeated = repeatedShare(text);
    return { subject, ended, repeated, words: text.split(/\s+/).length, right: subject && ended && repeated < 0.05 };
  }
  throw new Error(`an example expects nothing that can be checked: ${JSON.stringify(expect)}`);
}
