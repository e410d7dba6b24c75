// What the inner loops of the quantised products share.

/**
 * `value`, in a way that the optimiser cannot see through: a constant that is put into every lane before a loop then
 * stays in a register, where V8 would otherwise build it again in each turn (three instructions for each constant).
 */
// @ts-ignore: decorator
@inline
export function opaque(value: i32): i32 {
  return memory.size() > 0 ? value : 0;
}

/** Weights that one pass over the tokens goes through: they stay in the second-level cache. */
const PASS_BYTES: i32 = 65536;

/** Rows of one pass, a multiple of four. */
// @ts-ignore: decorator
@inline
export function rowsOfPass(rowBytes: i32): i32 {
  return max(4, (PASS_BYTES / rowBytes) & ~3);
}
