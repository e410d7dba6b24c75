// Numbers between whole bounds as an Expression: the whole numbers of the range, and fractions after all but its ends.
// Called by json-schema.ts.

import { bytes, choice, literal, optional, repeat, sequence, type Expression } from './expression.js';
import { integerBetween } from './json-values.js';

const digit = bytes(0x30, 0x39);
const fraction = optional(sequence(literal('.'), repeat(digit, 1, 16)));
const zeros = optional(sequence(literal('.'), repeat(literal('0'), 1, 16)));

/** @param low and `high` whole or infinite, low <= high */
export function numberBetween(low: number, high: number): Expression {
  const options: Expression[] = [];
  if (high >= 0) options.push(...magnitudes(Math.max(0, low), high));
  if (low < 0) {
    const least = high < 0 ? -high : 0;
    options.push(sequence(literal('-'), choice(...magnitudes(least, low === -Infinity ? Infinity : -low))));
  }
  return choice(...options);
}

/** Without a sign, 0 <= low <= high. */
function magnitudes(low: number, high: number): Expression[] {
  const options: Expression[] = [];
  if (high > low) options.push(sequence(integerBetween(low, high === Infinity ? Infinity : high - 1), fraction));
  if (high !== Infinity) options.push(sequence(integerBetween(high, high), zeros));
  return options;
}
