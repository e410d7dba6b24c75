// Lets the event loop turn: messages, aborts and whatever waits in microtasks come first. Called by webgpu/rounds.ts, and
// through generate/pause.ts between tokens. A MessageChannel and not a timer, because browsers stretch repeated timers to
// 4 ms; one for all, because making one takes longer than a message, and hundreds a second are work for the garbage collector.

/** In Node an open port keeps the process alive, unless told not to. */
type Port = MessagePort & { ref?(): void; unref?(): void };

const waiting: (() => void)[] = [];
let channel: { readonly near: Port; readonly far: MessagePort } | null = null;

function open(): NonNullable<typeof channel> {
  const { port1: near, port2: far } = new MessageChannel() as { port1: Port; port2: MessagePort };
  near.onmessage = () => {
    const resume = waiting.shift();
    if (waiting.length === 0) near.unref?.();
    resume?.();
  };
  return { near, far };
}

/** Resolves in a later task, in the order of the calls. */
export function nextTask(): Promise<void> {
  const { near, far } = (channel ??= open());
  return new Promise((resolve) => {
    waiting.push(resolve);
    near.ref?.();
    far.postMessage(null);
  });
}
