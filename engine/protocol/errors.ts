// The one error type of the kit, and the list of what can go wrong.
// Everyone throws it; it crosses ports as plain data (`toShape`, `EngineError.from`) and elements show `message` and
// `hint` as they are, so both are written for a visitor or a site owner, never for a debugger.
// It knows nothing of who threw it or of how it is shown.

/** What went wrong, one word a program can switch on. Kept in this order by where it arises: model, prompt, device. */
export const engineErrorCodes = [
  'model-not-found', // nothing answers at that place, or the catalogue has no such name
  'model-invalid', // what answers is no model: truncated, corrupt, not a pack, a hash that differs
  'model-unsupported', // a sound model of a kind we cannot run: architecture, tensor type, tokenizer
  'model-too-large', // more than the device, the memory or the site's limit allows
  'prompt-empty',
  'prompt-too-long', // the prompt alone fills the context
  'invalid-request', // a field of a request or a message on a port has a wrong type or range
  'aborted', // the caller's AbortSignal
  'webgpu-unavailable',
  'wasm-unsupported', // no WebAssembly SIMD
  'device-lost',
  'helper-lost', // the tab that lent its threads went; the same device goes on without them
  'out-of-memory',
  'network', // a fetch failed, stalled or answered with what it should not
  'cloud-failed', // the endpoint refused or broke off
  'consent-required', // the visitor's cloud switch is off
  'engine-lost', // the worker that owned the engine died
  'busy', // the queue is full
  'storage', // quota, or a store that cannot be opened
  'conversation-not-found', // no such conversation is kept on this device
  'conversation-unreadable', // it is kept, but its key is gone or it is damaged
  'internal', // a defect of ours; the message says what to report
] as const;

export type EngineErrorCode = (typeof engineErrorCodes)[number];

/** An {@link EngineError} as plain data, for ports and logs. Carries no prompt, answer or key. */
export interface EngineErrorShape {
  readonly code: EngineErrorCode;
  /** What was wrong, and where, in plain words. */
  readonly message: string;
  /** What to do about it, in plain words; empty when there is nothing to do. */
  readonly hint: string;
}

/**
 * Characters of a message or a hint. Both may quote a file, a template or a server that means harm, and a longer text
 * would be refused by every page that the state is told to.
 */
const longestText = 2_000;

const cut = (text: string): string => (text.length <= longestText ? text : `${text.slice(0, longestText - 1)}…`);

export interface EngineErrorOptions extends ErrorOptions {
  /** What to do about it, in plain words. */
  readonly hint?: string;
}

export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly code: EngineErrorCode;
  readonly hint: string;

  constructor(code: EngineErrorCode, message: string, options: EngineErrorOptions = {}) {
    super(cut(message), options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = cut(options.hint ?? '');
  }

  toShape(): EngineErrorShape {
    return { code: this.code, message: this.message, hint: this.hint };
  }

  /** Makes an EngineError of anything thrown; an AbortError becomes `aborted`, a SecurityError `storage`, the unknown becomes `internal`. */
  static from(thrown: unknown): EngineError {
    if (thrown instanceof EngineError) return thrown;
    if (isErrorShape(thrown)) return new EngineError(thrown.code, thrown.message, { hint: thrown.hint });
    if (thrown instanceof Error && thrown.name === 'AbortError') {
      return new EngineError('aborted', 'The request was stopped.', { cause: thrown });
    }
    if (thrown instanceof Error && thrown.name === 'SecurityError') {
      return new EngineError('storage', 'The browser refuses this page what the engine needs: site data and workers.', {
        cause: thrown,
        hint: 'Allow site data for this site. Inside a page of another site, open it in a tab of its own.',
      });
    }
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return new EngineError('internal', `Something in llm-elements failed: ${message}`, {
      cause: thrown,
      hint: 'Please report this with the text above. The next request may work.',
    });
  }
}

function isErrorShape(value: unknown): value is EngineErrorShape {
  if (typeof value !== 'object' || value === null) return false;
  const { code, message, hint } = value as Record<string, unknown>;
  return (
    typeof message === 'string' &&
    typeof hint === 'string' &&
    typeof code === 'string' &&
    (engineErrorCodes as readonly string[]).includes(code)
  );
}
