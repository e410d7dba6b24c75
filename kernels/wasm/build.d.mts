/** File names of the builds, those of `KernelFile` in kernels.ts. */
export declare const kernelFiles: readonly string[];
/** File name -> bytes of the WebAssembly; compiled on the first call after a change of the sources. */
export declare function buildKernels(): Promise<Map<string, Uint8Array<ArrayBuffer>>>;
