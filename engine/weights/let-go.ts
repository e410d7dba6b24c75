// Gives memory back now, instead of when the garbage collector next looks: a model is read through hundreds of megabytes of
// short-lived buffers, which would otherwise be the largest part of the peak. Called where such a buffer has had its last
// reader. Method: the buffer is transferred to a message port that nobody listens to. (ArrayBuffer.prototype.transfer is
// not enough: a buffer that WebCrypto hashed stays in Chromium's memory until a collection; measured, 16 MB a shard.)

let drain: MessagePort | null = null;

/** Detaches the memory behind `bytes`, which must be the caller's own; every view of it is empty afterwards. */
export function letGo(bytes: ArrayBufferView<ArrayBuffer>): void {
  const { buffer } = bytes;
  if (buffer.byteLength === 0) return;
  if (drain === null) {
    const { port1, port2 } = new MessageChannel();
    port2.close();
    drain = port1;
  }
  drain.postMessage(null, [buffer]);
}
