// Counts what a device is asked for, for tests of memory and of steady states: buffers made and bytes not destroyed yet.

export interface BufferCount {
  /** Of buffers that were made and not destroyed. */
  readonly bytes: number;
  /** Buffers made so far. */
  readonly made: number;
  /** Bind groups made so far. */
  readonly bound: number;
}

/** From now on. */
export function countBuffers(device: GPUDevice): BufferCount {
  const count = { bytes: 0, made: 0, bound: 0 };
  const createBuffer = device.createBuffer.bind(device);
  device.createBuffer = (descriptor) => {
    const buffer = createBuffer(descriptor);
    const destroy = buffer.destroy.bind(buffer);
    let size = descriptor.size;
    count.made += 1;
    count.bytes += size;
    buffer.destroy = (): undefined => {
      count.bytes -= size;
      size = 0;
      destroy();
    };
    return buffer;
  };
  const createBindGroup = device.createBindGroup.bind(device);
  device.createBindGroup = (descriptor) => {
    count.bound += 1;
    return createBindGroup(descriptor);
  };
  return count;
}
