// The other way to x than input.ts's: each thread reads the rows of x from storage, where staging would be a loss (software
// WebGPU: a barrier costs more than all of this) or is not worth it. Called by matvec.ts.
// With one thread a row all threads want the same x: then, where there are subgroups, the four threads of a quad read (and
// norm) a quarter each and hand it round (`quads`).
// The order of sums depends on K and the threads of a row, and on whether there are quads, not on rows or workgroup size.

import { quarter, type Input } from './input.js';

/** How a kernel without staging reads x: statements for one vector of one row, sums of squares included. */
export interface DirectInput {
  readonly quads: boolean;
  /** Before the sums: declares what `read` needs. `loop` is the loop over the thread's units. */
  readonly begin: (plan: { batch: number; loop: string; vectors: number; join: (name: string) => string }) => string;
  /** Statements that define `x_${m}` from vector `column` (a WGSL expression). */
  readonly read: (m: number, column: string) => string;
  /** Names of sums that the threads of a group must join like all others. */
  readonly squares: (batch: number) => string[];
  /** WGSL expression of a row's 1 / rms after joining. */
  readonly inverse: (m: number) => string;
}

/** @param quads the threads of a quad share the reading: `lane` is this thread's place in it */
export function directInput(input: Input, columns: number, quads: boolean): DirectInput {
  const vectors = columns / 4;
  const mean = (sum: string, epsilon: number): string => `inverseSqrt(${sum} * ${1 / columns} + ${epsilon})`;
  const at = (m: number, column: string): string => `(first_row + ${m}u) * ${vectors}u + ${column}`;
  switch (input.kind) {
    case 'plain':
      return {
        quads,
        begin: () => '',
        read: (m, column) => `let x_${m} = x[${at(m, column)}];`,
        squares: () => [],
        inverse: () => '1.0',
      };
    case 'norm':
      return {
        quads,
        begin: ({ batch }) => rowsOf(batch, (m) => `var square_${m} = 0.0;`),
        read: (m, column) =>
          `let h_${m} = x[${at(m, column)}]; square_${m} += dot(h_${m}, h_${m}); ` +
          `let x_${m} = h_${m} * vectors[${quarter(input.normAt)} + ${column}];`,
        squares: (batch) => Array.from({ length: batch }, (_, m) => `square_${m}`),
        inverse: (m) => mean(`square_${m}`, input.epsilon),
      };
    case 'joined': {
      const hidden = (m: number, column: string): string => `state[${quarter(input.hiddenAt)} + ${at(m, column)}]`;
      const pending = (m: number, column: string): string => `state[${quarter(input.pendingAt)} + ${at(m, column)}]`;
      const keep = (m: number, column: string): string =>
        input.nextAt === undefined ? '' : `if (keeps) { state[${quarter(input.nextAt)} + ${at(m, column)}] = h_${m}; }`;
      return {
        quads,
        begin: ({ batch, loop, vectors: inUnit, join }) =>
          [
            rowsOf(batch, (m) => `var square_${m} = 0.0; var pending_${m} = 0.0;`),
            `${loop} { for (var j = ${quads ? 'lane' : '0u'}; j < ${inUnit}u; j += ${quads ? 4 : 1}u) {`,
            rowsOf(batch, (m) => {
              const value = pending(m, `unit * ${inUnit}u + j`);
              return `{ let value = ${value}; pending_${m} += dot(value, value); }`;
            }),
            '} }',
            rowsOf(
              batch,
              (m) => `${join(`pending_${m}`)} let pending_inverse_${m} = ${mean(`pending_${m}`, input.epsilon)};`,
            ),
          ].join('\n    '),
        read: (m, column) =>
          `let h_${m} = ${hidden(m, column)} + ${pending(m, column)} * pending_inverse_${m} ` +
          `* vectors[${quarter(input.postNormAt)} + ${column}]; ${keep(m, column)} ` +
          `square_${m} += dot(h_${m}, h_${m}); let x_${m} = h_${m} * vectors[${quarter(input.normAt)} + ${column}];`,
        squares: (batch) => Array.from({ length: batch }, (_, m) => `square_${m}`),
        inverse: (m) => mean(`square_${m}`, input.epsilon),
      };
    }
  }
}

const rowsOf = (batch: number, text: (m: number) => string): string =>
  Array.from({ length: batch }, (_, m) => text(m)).join(' ');
