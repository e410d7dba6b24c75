// The small operations' exports (norms, rotary, attention, choosing a token, ...) as TypeScript sees them; the matrices'
// are in kernels.ts.

export type OperationKernels = Record<never, never>;
