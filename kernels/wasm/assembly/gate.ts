// The gate of the feed-forward block: gate = activation(gate) * up (Shazeer 2020), with SiLU or with GELU in its tanh form
// (Hendrycks and Gimpel 2016). Both are x times a logistic, since 0.5 (1 + tanh(u)) = logistic(2u).
// Relative error of the activation below 1e-6. Called by the decoder once a layer.

import { logistic } from './exponential';

/**
 * @param gate f32 [count], overwritten
 * @param up f32 [count]
 * @param count a multiple of 4
 */
export function gateSilu(gate: usize, up: usize, count: i32): void {
  const end = gate + (<usize>count << 2);
  for (; gate < end; gate += 16, up += 16) {
    const x = v128.load(gate);
    v128.store(gate, f32x4.mul(f32x4.mul(x, logistic(x)), v128.load(up)));
  }
}

/** As gateSilu, with x * logistic(2 sqrt(2 / pi) (x + 0.044715 x^3)). */
export function gateGelu(gate: usize, up: usize, count: i32): void {
  const end = gate + (<usize>count << 2);
  const linear = f32x4.splat(1.5957691216);
  const cubic = f32x4.splat(0.07135481627);
  for (; gate < end; gate += 16, up += 16) {
    const x = v128.load(gate);
    const inner = f32x4.mul(x, f32x4.add(linear, f32x4.mul(cubic, f32x4.mul(x, x))));
    v128.store(gate, f32x4.mul(f32x4.mul(x, logistic(inner)), v128.load(up)));
  }
}

/** cap * tanh(x / cap), as cap * (2 logistic(2x / cap) - 1): absolute error below 2e-7 * cap. */
// @ts-ignore: decorator
@inline
export function softCapped(x: v128, cap: v128): v128 {
  const twice = f32x4.mul(f32x4.div(x, cap), f32x4.splat(2));
  const share = logistic(twice);
  return f32x4.mul(cap, f32x4.sub(f32x4.add(share, share), f32x4.splat(1)));
}
