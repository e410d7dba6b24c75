// Sets of small numbers as bits: number n is bit n % 32 of word n / 32.

export function setBit(words: Uint32Array, n: number): void {
  words[n >> 5] = (words[n >> 5] ?? 0) | (1 << (n & 31));
}

export function clearBit(words: Uint32Array, n: number): void {
  words[n >> 5] = (words[n >> 5] ?? 0) & ~(1 << (n & 31));
}

export const hasBit = (words: Uint32Array, n: number): boolean => (((words[n >> 5] ?? 0) >>> (n & 31)) & 1) === 1;
