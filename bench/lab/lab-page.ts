// The page side of the lab: a model opened without host or worker, so that evaluation and cross-checks can see tokens
// and logits, which the client does not show. Driven by lab.mjs through `globalThis.lab`; values that cross are plain.
// It runs the kit's own code for everything: model, tokenizer, decoder, local backend.

import { createLocalBackend } from '../../engine/backends/local/local-backend.js';
import type { Backend } from '../../engine/backends/backend.js';
import { greedyOptions } from '../../engine/decoders/choose.js';
import type { Decoder, DecoderDevice } from '../../engine/decoders/decoder.js';
import { createOnnxDecoder } from '../../engine/decoders/onnx/onnx-decoder.js';
import { createLentDecoder } from '../../engine/decoders/wasm/lent-decoder.js';
import { createWasmDecoder } from '../../engine/decoders/wasm/wasm-decoder.js';
import { createWebGpuDecoder } from '../../engine/decoders/webgpu/webgpu-decoder.js';
import { parseChatCompletionRequest, type ToolCall } from '../../engine/protocol/chat.js';
import { helperBegin } from '../../engine/protocol/helper.js';
import { createTokenizer } from '../../engine/tokenizer/create-tokenizer.js';
import type { Tokenizer } from '../../engine/tokenizer/tokenizer.js';
import type { Model } from '../../engine/weights/model.js';
import { openTensorModel } from '../../engine/weights/open-model.js';
import { openStore } from '../../engine/weights/store/open-store.js';
import { concurrentRate, type ConcurrentRate, type ConcurrentRequest } from './concurrent.js';
import { copyRate, countGpuCommands, gpuCommands } from './gpu-facts.js';

interface Opened {
  readonly model: Model;
  readonly tokenizer: Tokenizer;
  readonly decoder: Decoder;
  readonly backend: Backend;
}

interface OpenRequest {
  readonly url: string;
  readonly device: DecoderDevice;
  readonly decoder?: 'onnx' | 'wasm' | 'webgpu';
  /** WebAssembly threads; more than one needs an isolated page. Default 1. */
  readonly threads?: number;
  /** Of the `wasm` decoder; its own default when absent. */
  readonly activations?: 'int8' | 'int16' | 'f32';
  /** Of the `wasm` decoder; the best that the browser runs when absent. */
  readonly build?: 'relaxed' | 'simd';
  /** The model is kept in this browser's store and read from there the next time, as on a second visit. */
  readonly keep?: boolean;
  /** 0: quantised weights stay in blocks. */
  readonly denseBytes?: number;
}

export interface LabAnswer {
  readonly text: string;
  readonly toolCalls: readonly ToolCall[];
  readonly finishReason: string;
  readonly tokens: number;
  readonly milliseconds: number;
}

let opened: Opened | null = null;

function current(): Opened {
  if (opened === null) throw new Error('lab: open a model first');
  return opened;
}

async function open(request: OpenRequest): Promise<{ name: string; device: string; load: number }> {
  await close();
  const started = performance.now();
  const store = request.keep === true ? await openStore() : null;
  const model = await openTensorModel({ kind: 'url', url: new URL(request.url, location.href).href }, { store });
  const tokenizer = createTokenizer(model.tokenizerFiles);
  // As engine/host/local-parts.ts does it.
  const opening = openDecoder(model, request);
  await new Promise((begin) => setTimeout(begin));
  tokenizer.prepare();
  const decoder = await opening;
  const backend = createLocalBackend({ decoder, tokenizer, identity: model.identity });
  opened = { model, tokenizer, decoder, backend };
  return { name: model.identity.name, device: decoder.info.deviceName, load: performance.now() - started };
}

function openDecoder(
  model: Model,
  { decoder, device, denseBytes, activations, build, threads = 1 }: OpenRequest,
): Promise<Decoder> {
  const maxContext = 1024;
  if (decoder === 'wasm') {
    const precision = { ...(activations && { activations }), ...(build && { build }) };
    if (threads === 1) return createWasmDecoder({ model, kernels: './', maxContext, ...precision });
    // As in a site: in a worker that a tab lends. (A page's main thread may not sleep at barriers and has other things to do.)
    const worker = new Worker('./wasm-thread.js', { type: 'module' });
    const { port1, port2 } = new MessageChannel();
    worker.postMessage(helperBegin, [port2]);
    const gone = new AbortController().signal;
    const kernels = new URL('./', location.href).href;
    const giveBack = (): void => worker.terminate();
    return createLentDecoder({ port: port1, gone, threads, model, kernels, maxContext, giveBack, ...precision });
  }
  if (decoder === 'webgpu') return createWebGpuDecoder({ model, maxContext });
  const dense = denseBytes === undefined ? {} : { denseBytes };
  return createOnnxDecoder({ model, device, assetBase: './ort/', threads, maxContext, ...dense });
}

/** Whether all of a model is in this browser's store: a first visit goes on writing for a while after it is loaded. */
async function kept(url: string): Promise<boolean> {
  const store = await openStore();
  const models = (await store?.models()) ?? [];
  store?.close();
  const { href } = new URL(url, location.href);
  return models.some(({ model }) => model.source === href && model.manifest !== null);
}

async function close(): Promise<void> {
  await opened?.backend.dispose();
  await opened?.decoder.dispose();
  opened?.model.close();
  opened = null;
}

function encode(text: string, addSpecial = true): number[] {
  return current().tokenizer.encode(text, { addSpecial });
}

/** Continues raw text at temperature 0, at most `count` tokens. */
async function continueText(
  text: string,
  count: number,
): Promise<{ promptIds: number[]; ids: number[]; text: string }> {
  const { decoder, tokenizer } = current();
  const promptIds = encode(text);
  const sequence = decoder.openSequence();
  try {
    const ids: number[] = [];
    let tokens: readonly number[] = promptIds;
    while (ids.length < count) {
      const [choice] = await sequence.append({ tokens, at: 'last', choose: greedyOptions });
      if (choice === undefined || tokenizer.endIds.has(choice.id)) break;
      ids.push(choice.id);
      tokens = [choice.id];
    }
    return { promptIds, ids, text: tokenizer.decode(ids) };
  } finally {
    sequence.release();
  }
}

/** One chat turn through the local backend at temperature 0. */
async function answer(request: unknown): Promise<LabAnswer> {
  const completion = parseChatCompletionRequest(request);
  const started = performance.now();
  let text = '';
  const signal = new AbortController().signal;
  for await (const event of current().backend.stream({ completion, partialAnswer: '', signal })) {
    if (event.type === 'delta') text += event.text;
    if (event.type === 'end') {
      const { finishReason, completionTokens, toolCalls = [] } = event;
      return { text, toolCalls, finishReason, tokens: completionTokens, milliseconds: performance.now() - started };
    }
  }
  throw new Error('lab: the backend ended without an end');
}

/**
 * Cross-entropy of a text in nats, summed over its tokens after the first. Texts longer than the window are read in
 * pieces that overlap by half, as models/recipe/evaluate.py does.
 * @param start token before the text
 */
async function nats(text: string, start: number, window: number): Promise<{ nats: number; tokens: number }> {
  const { decoder } = current();
  const ids = [start, ...encode(text, false)];
  const vocabulary = decoder.info.vocabularySize;
  let sum = 0;
  let count = 0;
  for (let at = 0; at < ids.length - 1;) {
    const begin = at === 0 ? 0 : at - Math.floor(window / 2);
    const piece = ids.slice(begin, begin + window + 1);
    const logits = await decoder.logits(piece.slice(0, -1));
    for (let row = at - begin; row < piece.length - 1; row += 1) {
      const values = logits.subarray(row * vocabulary, (row + 1) * vocabulary);
      let largest = -Infinity;
      for (const value of values) largest = Math.max(largest, value);
      let total = 0;
      for (const value of values) total += Math.exp(value - largest);
      sum += largest + Math.log(total) - (values[piece[row + 1] ?? 0] ?? NaN);
      count += 1;
    }
    at = begin + piece.length - 1;
  }
  return { nats: sum, tokens: count };
}

export interface SpeedRequest {
  /** Lengths of prompts to read, in tokens. */
  readonly prefill: readonly number[];
  /** Lengths of texts after which to decode. */
  readonly contexts: readonly number[];
  /** Tokens to decode after each. */
  readonly tokens: number;
  /** The best of so many runs counts: a busy machine only ever makes a run slower. */
  readonly runs: number;
  /** Nothing but the decoder's own work: no rate of copying is measured, which takes 128 MiB. */
  readonly plain?: boolean;
}

export interface Speed {
  /** Tokens a second by length. */
  readonly prefill: Readonly<Record<number, number>>;
  readonly decode: Readonly<Record<number, number>>;
  /** Of every run, by what was measured: 'prefill 32', 'decode @512'. */
  readonly all: Readonly<Record<string, readonly number[]>>;
  readonly weightBytes: number;
  /** Of one decoded token at the first of `contexts`: weights, and keys and values of the text. */
  readonly bytesPerToken: number;
  /** Commands to the GPU for one token; 0 on the processor. */
  readonly dispatches: number;
  readonly submits: number;
  /** Bytes a second that this machine copies (reads and writes), on the device that decoded; null when not measured. */
  readonly copyRate: number | null;
}

/** What one more token costs, of some that are appended one by one. */
async function oneToken(decoder: Decoder, tokens: readonly number[]) {
  const sequence = decoder.openSequence();
  try {
    await sequence.append({ tokens, at: 'none' });
    const before = gpuCommands();
    const counted = 4;
    for (let i = 0; i < counted; i++) await sequence.append({ tokens: [i], at: 'last', choose: greedyOptions });
    const after = gpuCommands();
    return {
      kvBytes: sequence.holding.kvBytes,
      dispatches: (after.dispatches - before.dispatches) / counted,
      submits: (after.submits - before.submits) / counted,
    };
  } finally {
    sequence.release();
  }
}

/** Milliseconds of decoding before anything is measured; the rivals make as many tokens as take them about as long. */
const warmUp = 2000;

/** Speed of the decoder alone, at temperature 0, on arbitrary tokens. */
async function speed({ prefill, contexts, tokens, runs, plain = false }: SpeedRequest): Promise<Speed> {
  const { decoder } = current();
  const vocabulary = decoder.info.vocabularySize;
  const ids = (count: number): number[] => Array.from({ length: count }, (_, i) => (i * 7919 + 13) % vocabulary);
  const once = async (length: number, limit: number): Promise<{ read: number; token: number }> => {
    const sequence = decoder.openSequence();
    try {
      const began = performance.now();
      let first = began;
      let last = began;
      let count = 0;
      const request = { tokens: ids(length), choose: greedyOptions, limit, endIds: new Set<number>() };
      for await (const choice of sequence.decode(request)) {
        last = performance.now();
        if (count === 0) first = last;
        count += choice.id >= 0 ? 1 : 0;
      }
      return { read: first - began, token: (last - first) / Math.max(count - 1, 1) };
    } finally {
      sequence.release();
    }
  };
  // Pipelines are compiled, memory is grown; and browsers go on compiling for some hundred tokens, beside what computes.
  const warm = performance.now() + warmUp;
  do await once(8, Math.min(tokens, 16));
  while (performance.now() < warm && !plain);
  const result = {
    prefill: {} as Record<number, number>,
    decode: {} as Record<number, number>,
    all: {} as Record<string, number[]>,
  };
  const count = (kind: 'prefill' | 'decode', length: number, rate: number): void => {
    result[kind][length] = Math.max(result[kind][length] ?? 0, rate);
    (result.all[kind === 'prefill' ? `prefill ${length}` : `decode @${length}`] ??= []).push(rate);
  };
  for (let run = 0; run < runs; run++) {
    for (const length of new Set([...prefill, ...contexts])) {
      const { read, token } = await once(length, contexts.includes(length) ? tokens : 1);
      if (prefill.includes(length)) count('prefill', length, (length / read) * 1000);
      if (contexts.includes(length)) count('decode', length, 1000 / token);
    }
  }
  const { weightBytes, device } = decoder.info;
  const { kvBytes, ...commands } = await oneToken(decoder, ids(contexts[0] ?? 8));
  const bytesPerToken = weightBytes + kvBytes;
  return { ...result, ...commands, weightBytes, bytesPerToken, copyRate: plain ? null : await copyRate(device) };
}

/** Several answers at once on the model that is open. */
const concurrent = (request?: ConcurrentRequest): Promise<ConcurrentRate> => concurrentRate(current().decoder, request);

countGpuCommands();
const lab = { open, kept, close, encode, continueText, answer, nats, speed, concurrent };
export type Lab = typeof lab;
Object.assign(globalThis, { lab });
