// How each product is spread over the device: the kernels' best guess, or what the autotuner measured. The order of a row's
// sums is chosen once for a product, on one row, and kept for several rows (kernels/wgsl/matvec-shapes.ts): verification
// equals single steps to the bit whatever was chosen. Called by programs.ts and tuning.ts.

import type { DeviceTraits } from '../../../kernels/wgsl/kernel.js';
import type { MatmulShape } from '../../../kernels/wgsl/matmul.js';
import type { MatvecShape } from '../../../kernels/wgsl/matvec.js';
import { batchShapes, matvecShapes } from '../../../kernels/wgsl/matvec-shapes.js';
import type { Product } from './kernels.js';

/** Shapes for one row, by `productKey`; what is missing is guessed. */
export type ShapeChoice = ReadonlyMap<string, MatvecShape>;

/** What decides how a product is best spread. */
export const productKey = ({ matrix: { kind, rows, columns }, input, output }: Product): string =>
  `${input.kind} ${kind} ${rows}x${columns} ${output.kind}`;

export function shapeOf(choice: ShapeChoice, product: Product, batch: number, traits: DeviceTraits): MatvecShape {
  const one = choice.get(productKey(product)) ?? (matvecShapes(traits, product.output)[0] as MatvecShape);
  if (batch === 1) return one;
  return batchShapes(one, { batch, output: product.output }, traits)[0] as MatvecShape;
}

export const tileOf = (traits: DeviceTraits): MatmulShape =>
  traits.software ? { tileRows: 32, tileColumns: 32 } : { tileRows: 64, tileColumns: 64 };
