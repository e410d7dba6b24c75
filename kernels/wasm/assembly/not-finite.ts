// Looks for an f16 that is not a finite number, which the kernels would take for one (halves.ts: no room for the test in a loop).
// Called by the loader for each quantised matrix's scales.

/** @returns the index of the first infinity or NaN among `count` halves at `from`, -1 when there is none */
export function notFinite(from: usize, count: i32): i32 {
  const exponent = i16x8.splat(0x7c00);
  let i = 0;
  for (; i + 8 <= count; i += 8) {
    const halves = v128.load(from + (<usize>i << 1));
    if (v128.any_true(i16x8.eq(v128.and(halves, exponent), exponent))) break;
  }
  for (; i < count; i++) if ((load<u16>(from + (<usize>i << 1)) & 0x7c00) === 0x7c00) return i;
  return -1;
}
