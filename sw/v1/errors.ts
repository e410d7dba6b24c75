// Errors of the endpoint in OpenAI's shape (API reference, "Error codes"): `{error: {message, type, param, code}}` with
// the HTTP status that its clients switch on. Called by the other files of this folder. OpenAI's clients try 408, 409,
// 429 and 5xx again unless `x-should-retry` says not to, so a device that cannot says so, and a busy one does not.

import { EngineError, type EngineErrorCode } from '../../engine/protocol/errors.js';

interface Meaning {
  readonly status: number;
  /** OpenAI's name where it has one, otherwise ours. */
  readonly code: string;
  /** Whether the same request may work in a moment. */
  readonly again?: boolean;
}

const meanings: Readonly<Record<EngineErrorCode, Meaning>> = {
  'model-not-found': { status: 404, code: 'model_not_found' },
  'model-invalid': { status: 422, code: 'model_invalid' },
  'model-unsupported': { status: 422, code: 'model_unsupported' },
  'model-too-large': { status: 422, code: 'model_too_large' },
  'prompt-empty': { status: 400, code: 'prompt_empty' },
  'prompt-too-long': { status: 400, code: 'context_length_exceeded' },
  'invalid-request': { status: 400, code: 'invalid_request' },
  aborted: { status: 499, code: 'aborted' },
  'webgpu-unavailable': { status: 501, code: 'webgpu_unavailable' },
  'wasm-unsupported': { status: 501, code: 'wasm_unsupported' },
  'device-lost': { status: 503, code: 'device_lost', again: true },
  'out-of-memory': { status: 503, code: 'out_of_memory' },
  network: { status: 502, code: 'network', again: true },
  'cloud-failed': { status: 502, code: 'cloud_failed' },
  'consent-required': { status: 403, code: 'consent_required' },
  'engine-lost': { status: 503, code: 'engine_unavailable', again: true },
  'helper-lost': { status: 503, code: 'helper_lost', again: true },
  busy: { status: 429, code: 'rate_limit_exceeded', again: true },
  storage: { status: 507, code: 'storage' },
  'conversation-not-found': { status: 404, code: 'conversation_not_found' },
  'conversation-unreadable': { status: 422, code: 'conversation_unreadable' },
  internal: { status: 500, code: 'internal' },
};

/** A refusal that has nothing to do with the engine: path, method, type, sender. */
export class HttpRefusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }
}

export interface ErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string;
  };
}

/** The field that a message of ours names ("the request, messages.0.role: ..."), as OpenAI's `param`. */
const namedField = /^the request, ([\w.]+):/;

const typeOf = (status: number): string =>
  status === 429 ? 'rate_limit_error' : status >= 500 ? 'server_error' : 'invalid_request_error';

/** For a stream that has begun, where no status can be told any more. */
export function errorBody(thrown: unknown): ErrorBody {
  if (thrown instanceof HttpRefusal) {
    return { error: { message: thrown.message, type: typeOf(thrown.status), param: null, code: thrown.code } };
  }
  const { code, message, hint } = EngineError.from(thrown);
  const param = code === 'invalid-request' ? (namedField.exec(message)?.[1] ?? null) : null;
  const meaning = meanings[code];
  const text = hint === '' ? message : `${message} ${hint}`;
  return {
    error: {
      message: text,
      type: typeOf(meaning.status),
      param: code === 'model-not-found' ? 'model' : param,
      code: meaning.code,
    },
  };
}

export function errorResponse(thrown: unknown): Response {
  const body = errorBody(thrown);
  if (thrown instanceof HttpRefusal) return json(body, thrown.status, thrown.headers);
  const { status, again = false } = meanings[EngineError.from(thrown).code];
  return json(body, status, { 'x-should-retry': String(again), ...(again ? { 'Retry-After': '1' } : {}) });
}

export function json(value: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(value), {
    status,
    headers: { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store', ...headers },
  });
}
