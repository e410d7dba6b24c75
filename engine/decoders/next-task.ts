// Lets the event loop turn: messages, aborts and whatever waits in microtasks come first. Called by webgpu/rounds.ts, and
// through generate/pause.ts between tokens. A MessageChannel and not a timer, because browsers stretch repeated timers to 4 ms.

/** Resolves in a later task. */
export function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
