// What every WGSL kernel is made of: a source (shader text, named buffers), a compiled kernel (pipeline, bind groups) and
// a dispatch (what one compute pass needs to run it). Called by the launchers of this folder and by decoders.
// It knows nothing of models, tensors or engine/; buffers belong to whoever made them.
// No buffer is created here, and nothing at all while commands are encoded: pipelines are compiled while weights arrive,
// bind groups are made once for each set of buffers and kept by the caller in its dispatches.
// WebGPU: https://www.w3.org/TR/webgpu/#pipelines ; WGSL: https://www.w3.org/TR/WGSL/#resource-interface
// What goes wrong: a shader that the device refuses is a `KernelError` with the compiler's words; a device that is lost
// meanwhile rejects with the browser's own error.

/** How a shader sees a buffer: read-only storage, read-write storage, or a uniform. */
export type SlotAccess = 'read' | 'write' | 'uniform';

export interface Slot {
  readonly access: SlotAccess;
  /** WGSL type of the variable, for example `array<vec4<u32>>`. */
  readonly type: string;
}

/** Buffers by the name of their variable in the shader; the order of the keys is the order of the bindings in group 0. */
export type Slots = Readonly<Record<string, Slot>>;

export interface KernelSource<S extends Slots> {
  /** For error messages and timings: the operation, then what sets this variant apart, "matvec q4 1x2048x2048". */
  readonly label: string;
  readonly slots: S;
  /** WGSL without the declarations of the slots (they are written from `slots`); the entry point is `main`. */
  readonly code: string;
  /** WGSL extensions to enable; the device must have the feature of the same name. */
  readonly enables?: readonly ('subgroups' | 'f16')[];
  /** Values of `override` constants. */
  readonly constants?: Readonly<Record<string, number>>;
}

export type BufferOf = GPUBuffer | GPUBufferBinding;
export type Buffers<S extends Slots> = Readonly<Record<keyof S, BufferOf>>;
export type Workgroups = readonly [x: number, y: number, z: number];

export interface Kernel<S extends Slots> {
  readonly label: string;
  readonly pipeline: GPUComputePipeline;
  /** Makes a bind group. Once for each set of buffers, never while a token is being computed. */
  bind(buffers: Buffers<S>): GPUBindGroup;
  /** A bind group and a size: all that `encode` needs. */
  dispatch(buffers: Buffers<S>, workgroups: Workgroups): Dispatch;
}

/** One command of a compute pass, complete. */
export interface Dispatch {
  readonly label: string;
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  readonly workgroups: Workgroups;
}

/** What of a device decides between variants of a kernel. */
export interface DeviceTraits {
  readonly subgroups: boolean;
  /** Smallest and largest subgroup that a pipeline may get; both 1 without subgroups. */
  readonly subgroupMinSize: number;
  readonly subgroupMaxSize: number;
  readonly shaderF16: boolean;
  /** WGSL's packed 4x8 integer dot products. */
  readonly packedDot: boolean;
  /** WebGPU on the processor: compiling is slow there, barriers are dear, a dispatch costs nothing beside a product. */
  readonly software: boolean;
}

/** A shader was refused. */
export class KernelError extends Error {
  constructor(
    readonly label: string,
    detail: string,
    options?: ErrorOptions,
  ) {
    super(`The shader "${label}" was refused: ${detail}`, options);
    this.name = 'KernelError';
  }
}

interface LooseDevice {
  readonly adapterInfo?: Partial<GPUAdapterInfo>;
}

/** @param subgroups false leaves subgroups unused where the device has them (tests; drivers that get them wrong) */
export function traitsOf(device: GPUDevice, subgroups = true): DeviceTraits {
  const has = subgroups && device.features.has('subgroups');
  // Browsers without `adapterInfo` on devices, or without the sizes in it, get what is always right.
  const { subgroupMinSize, subgroupMaxSize, isFallbackAdapter } = (device as LooseDevice).adapterInfo ?? {};
  const languageFeatures = (globalThis.navigator as Partial<Navigator> | undefined)?.gpu?.wgslLanguageFeatures;
  return {
    subgroups: has,
    subgroupMinSize: (has ? subgroupMinSize : 1) ?? 1,
    subgroupMaxSize: (has ? subgroupMaxSize : 1) ?? 1,
    shaderF16: device.features.has('shader-f16'),
    packedDot: languageFeatures?.has('packed_4x8_integer_dot_product') ?? false,
    software: isFallbackAdapter ?? false,
  };
}

/** The whole shader text: enables, one declaration a slot, the code. */
export function wgslOf<S extends Slots>({ slots, code, enables = [] }: KernelSource<S>): string {
  const address = { read: 'storage, read', write: 'storage, read_write', uniform: 'uniform' } as const;
  const declarations = Object.entries(slots).map(
    ([name, { access, type }], binding) => `@group(0) @binding(${binding}) var<${address[access]}> ${name}: ${type};`,
  );
  // A slot's type may be a structure of the code's: WGSL takes declarations in any order.
  return [...enables.map((name) => `enable ${name};`), ...declarations, code].join('\n');
}

/** Kernels of a device by their whole source: layers of one shape share one pipeline. */
const compiled = new WeakMap<GPUDevice, Map<string, Promise<Kernel<Slots>>>>();

/**
 * Compiles a kernel, or returns the one that was compiled from the same source before.
 * @throws KernelError when the device refuses the shader
 */
export function createKernel<S extends Slots>(device: GPUDevice, source: KernelSource<S>): Promise<Kernel<S>> {
  let kernels = compiled.get(device);
  if (kernels === undefined) compiled.set(device, (kernels = new Map()));
  const key = JSON.stringify([source.label, wgslOf(source), source.constants ?? {}]);
  let kernel = kernels.get(key);
  if (kernel === undefined) {
    kernel = compile(device, source);
    kernels.set(key, kernel);
    kernel.catch(() => kernels.delete(key));
  }
  return kernel as Promise<Kernel<S>>;
}

async function compile<S extends Slots>(device: GPUDevice, source: KernelSource<S>): Promise<Kernel<Slots>> {
  const { label, slots, constants } = source;
  const bufferType = { read: 'read-only-storage', write: 'storage', uniform: 'uniform' } as const;
  const layout = device.createBindGroupLayout({
    label,
    entries: Object.values(slots).map(({ access }, binding) => ({
      binding,
      visibility: GPUShaderStage.COMPUTE,
      buffer: { type: bufferType[access] },
    })),
  });
  // What is wrong with the text is told by the pipeline below; without a scope the device would report it a second time,
  // to whoever listens for errors of nobody in particular.
  device.pushErrorScope('validation');
  const module = device.createShaderModule({ label, code: wgslOf(source) });
  device.popErrorScope().catch(() => undefined);
  let pipeline: GPUComputePipeline;
  try {
    pipeline = await device.createComputePipelineAsync({
      label,
      layout: device.createPipelineLayout({ label, bindGroupLayouts: [layout] }),
      compute: { module, entryPoint: 'main', ...(constants === undefined ? {} : { constants }) },
    });
  } catch (cause) {
    const { messages } = await module.getCompilationInfo();
    const complaints = messages.filter(({ type }) => type === 'error');
    const detail = complaints.map(({ lineNum, linePos, message }) => `${lineNum}:${linePos} ${message}`).join('; ');
    throw new KernelError(label, detail || (cause instanceof Error ? cause.message : String(cause)), { cause });
  }
  const names = Object.keys(slots);
  const bind = (buffers: Buffers<Slots>): GPUBindGroup =>
    device.createBindGroup({
      label,
      layout,
      entries: names.map((name, binding) => ({ binding, resource: asBinding(buffers[name], label, name) })),
    });
  return {
    label,
    pipeline,
    bind,
    dispatch: (buffers, workgroups) => ({ label, pipeline, bindGroup: bind(buffers), workgroups }),
  };
}

function asBinding(buffer: BufferOf | undefined, label: string, name: string): GPUBufferBinding {
  if (buffer === undefined) throw new TypeError(`${label}: no buffer for "${name}"`);
  return 'buffer' in buffer ? buffer : { buffer };
}

/** Adds one dispatch to a pass. Creates nothing. */
export function encode(pass: GPUComputePassEncoder, { pipeline, bindGroup, workgroups: [x, y, z] }: Dispatch): void {
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, bindGroup);
  pass.dispatchWorkgroups(x, y, z);
}

/**
 * Spreads workgroups over x and y where there are more than a dimension may have. The shader numbers them
 * `workgroup_id.x + workgroup_id.y * num_workgroups.x` and must return early past `count`.
 */
export function spread(count: number, limit = 65_535): Workgroups {
  if (count <= limit) return [count, 1, 1];
  const rows = Math.ceil(count / limit);
  return [Math.ceil(count / rows), rows, 1];
}
