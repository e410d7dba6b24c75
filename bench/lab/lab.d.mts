// Types of lab.mjs for the tests, which are TypeScript.
import type { Lab } from './lab-page.js';

export interface OpenLab {
  call<Method extends keyof Lab>(
    method: Method,
    ...values: Parameters<Lab[Method]>
  ): Promise<Awaited<ReturnType<Lab[Method]>>>;
  reload(): Promise<void>;
  /** Files of the WebAssembly kernels that pages and workers have fetched. */
  readonly kernels: readonly string[];
  close(): Promise<void>;
}

export function openLab(options?: {
  readonly mounts?: Record<string, string>;
  readonly gpu?: 'software' | 'real';
  /** COOP and COEP: shared memory, so threads. */
  readonly isolate?: boolean;
}): Promise<OpenLab>;
