// Our errors as the Prompt API's: the DOMException that a program written for it expects, with ours as `cause`.

import { EngineError, type EngineErrorCode } from '../../protocol/errors.js';

const names: Partial<Readonly<Record<EngineErrorCode, string>>> = {
  'model-not-found': 'NotSupportedError',
  'model-unsupported': 'NotSupportedError',
  'model-too-large': 'NotSupportedError',
  'invalid-request': 'NotSupportedError',
  'consent-required': 'NotAllowedError',
  network: 'NetworkError',
  aborted: 'AbortError',
};

/** An exception of the platform as it is, an EngineError under the platform's name. */
export function asDomException(error: unknown): unknown {
  if (error instanceof DOMException || error instanceof TypeError || error instanceof RangeError) return error;
  const { code, message, hint } = EngineError.from(error);
  const exception = new DOMException(hint === '' ? message : `${message} ${hint}`, names[code] ?? 'OperationError');
  Object.defineProperty(exception, 'cause', { value: error, configurable: true });
  return exception;
}

/** The context cannot take it. @param requested and `quota` in tokens */
export function quotaExceeded(requested: number, quota: number): DOMException {
  const message = `The prompt needs ${requested} tokens of context; the model has ${quota}.`;
  const { QuotaExceededError } = globalThis as {
    QuotaExceededError?: new (message: string, options: { requested: number; quota: number }) => DOMException;
  };
  // A class of its own since 2025; a mere name of DOMException before.
  if (typeof QuotaExceededError === 'function') return new QuotaExceededError(message, { requested, quota });
  const exception = new DOMException(message, 'QuotaExceededError');
  Object.defineProperties(exception, { requested: { value: requested }, quota: { value: quota } });
  return exception;
}
