// Sums and products of vectors: residuals, biases, the embedding's factor. Called by the decoder.

import { softCapped } from './gate';

/** y += x; f32 [count], count a multiple of 4. */
export function add(y: usize, x: usize, count: i32): void {
  const end = y + (<usize>count << 2);
  for (; y < end; y += 16, x += 16) v128.store(y, f32x4.add(v128.load(y), v128.load(x)));
}

/** Adds `bias` f32 [columns] to each row of y, f32 [rows, columns]; columns a multiple of 4. */
export function addBias(y: usize, rows: i32, columns: i32, bias: usize): void {
  for (let row = 0; row < rows; row++) {
    add(y, bias, columns);
    y += <usize>columns << 2;
  }
}

/** y *= factor; f32 [count], count a multiple of 4. */
export function multiply(y: usize, count: i32, factor: f32): void {
  const by = f32x4.splat(factor);
  const end = y + (<usize>count << 2);
  for (; y < end; y += 16) v128.store(y, f32x4.mul(v128.load(y), by));
}

/** y = cap * tanh(y / cap); f32 [count], count a multiple of 4. Gemma 2's soft cap, here of logits. */
export function softCap(y: usize, count: i32, cap: f32): void {
  const end = y + (<usize>count << 2);
  for (; y < end; y += 16) v128.store(y, softCapped(v128.load(y), f32x4.splat(cap)));
}
