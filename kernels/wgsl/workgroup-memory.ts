// What the threads of a workgroup share, as pieces of WGSL; and the same pieces for a workgroup of one thread, which keeps
// all to itself and waits for nobody. Pasted by choose-pick.ts, whose code is the same for both. On WebGPU on the processor
// workgroup memory alone (it is cleared behind a barrier) makes a shader ten times slower to compile and to run.

export interface WorkgroupMemory {
  /** Waits for all threads. */
  readonly barrier: string;
  /** Declares a module-scope variable. */
  declare(name: string, type: string): string;
  /** The type of a counter: what the functions below need. */
  readonly counter: string;
  load(counter: string): string;
  store(counter: string, value: string): string;
  add(counter: string, value: string): string;
  min(counter: string, value: string): string;
  max(counter: string, value: string): string;
  or(counter: string, value: string): string;
  /** Declares `name` as the counter's value and counts one up. */
  take(name: string, counter: string): string;
  /** An expression: a plain variable's value, the same for all threads, after a barrier. */
  same(variable: string): string;
}

export const sharedMemory: WorkgroupMemory = {
  barrier: 'workgroupBarrier();',
  declare: (name, type) => `var<workgroup> ${name}: ${type};`,
  counter: 'atomic<u32>',
  load: (counter) => `atomicLoad(&${counter})`,
  store: (counter, value) => `atomicStore(&${counter}, ${value});`,
  add: (counter, value) => `atomicAdd(&${counter}, ${value});`,
  min: (counter, value) => `atomicMin(&${counter}, ${value});`,
  max: (counter, value) => `atomicMax(&${counter}, ${value});`,
  or: (counter, value) => `atomicOr(&${counter}, ${value});`,
  take: (name, counter) => `let ${name} = atomicAdd(&${counter}, 1u);`,
  same: (variable) => `workgroupUniformLoad(&${variable})`,
};

export const ownMemory: WorkgroupMemory = {
  barrier: '',
  declare: (name, type) => `var<private> ${name}: ${type};`,
  counter: 'u32',
  load: (counter) => counter,
  store: (counter, value) => `${counter} = ${value};`,
  add: (counter, value) => `${counter} += ${value};`,
  min: (counter, value) => `${counter} = min(${counter}, ${value});`,
  max: (counter, value) => `${counter} = max(${counter}, ${value});`,
  or: (counter, value) => `${counter} |= ${value};`,
  take: (name, counter) => `let ${name} = ${counter}; ${counter}++;`,
  same: (variable) => variable,
};
