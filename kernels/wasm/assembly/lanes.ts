// What kernels share beside arithmetic: a constant that stays in a register, the length of a pass, a page's address.

/**
 * `value`, in a way that the optimiser cannot see through: a constant that is put into every lane before a loop then
 * stays in a register, where V8 would otherwise build it again in each turn (three instructions for each constant).
 */
// @ts-ignore: decorator
@inline
export function opaque(value: i32): i32 {
  // The compiler gives `memory.size` no 64-bit form; nothing is ever written below 1024, so this is 0.
  if (ASC_TARGET === 2) return value | load<i32>(0);
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

/** A page's address, of which tables hold 64ths: u32 reach beyond 4 GiB then. */
// @ts-ignore: decorator
@inline
export function pageAt(entry: usize): usize {
  return <usize>load<u32>(entry) << 6;
}
