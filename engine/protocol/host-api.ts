// What crosses the port between a page and the host. Calls go over comlink's wire format (`HostApi`, narrow on purpose:
// comlink walks any property path, so the host exposes exactly these methods and refuses every other message before comlink
// sees it); each answer streams over a MessagePort of its own (`StreamMessage` host -> page, `StreamControl` page ->
// host). Errors cross as `Reply` values, because comlink rebuilds thrown errors without our fields.
// The schemas of what the host accepts are here; what a page accepts is in page-messages.ts.

import * as v from 'valibot';
import { check } from './check.js';
import { EngineError, type EngineErrorShape } from './errors.js';
import type { ChatCompletionChunk } from './chat.js';
import type { Conversation, ConversationList, TokenCount } from './conversations.js';
import type { Erasure, KeptReport } from './kept-data.js';
import type { ProfileReport } from './profile.js';
import type { EngineState, LoadedModel, ModelListing, StorageReport } from './state.js';

export const protocolVersion = 1;

/**
 * Characters of a URL as it crosses a port. Written out, a short address in another script is nine times as long
 * (`%E4%B8%AD`), and one that a page refuses to read would cost it the whole state.
 */
export const longestUrl = 8_000;

export type Reply<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: EngineErrorShape };

/** Ids made by either side: letters, digits and a few marks, so that they can stand in a lock's name. */
const idSchema = v.pipe(v.string(), v.regex(/^[\w.:-]{1,100}$/, 'this is no id'));
const lockNameSchema = v.pipe(v.string(), v.minLength(1), v.maxLength(2_000));
const deviceSchema = v.picklist(['auto', 'webgpu', 'wasm']);
const modelSchema = v.pipe(v.string(), v.minLength(1), v.maxLength(2_000));
const webUrlSchema = v.pipe(
  v.string(),
  v.maxLength(2_000),
  v.check((text) => isWebUrl(text), 'an absolute http or https URL without a user name is wanted'),
);

const publicKeySchema = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'a public key has 64 lower-case hex digits'));

export const settingsSchema = v.object({
  /** URL of the catalogue (`models.json`), absolute. */
  catalogueUrl: webUrlSchema,
  /** Id in the catalogue or URL of the model loaded when nobody chose one. */
  defaultModel: modelSchema,
  /** 'auto' takes the ladder; a device pins it. */
  device: deviceSchema,
  /** Base URL of an OpenAI-compatible endpoint ("https://host/v1"), null for none. */
  cloudUrl: v.nullable(webUrlSchema),
  /** Name the endpoint knows its model by; null leaves the choice to the endpoint. */
  cloudModel: v.nullable(modelSchema),
  /** Ed25519 public keys in hex, by one of which a model must be signed. Absent or empty: any model is taken. */
  trustedKeys: v.exactOptional(v.pipe(v.array(publicKeySchema), v.maxLength(20))),
  /** Bytes that one model's download may have. Absent: no limit. */
  maxDownload: v.exactOptional(v.pipe(v.number(), v.minValue(0))),
});
export type EngineSettings = Readonly<v.InferOutput<typeof settingsSchema>>;

const helloSchema = v.object({
  protocolVersion: v.number(),
  tabId: idSchema,
  /** Name of the Web Lock that this tab holds for as long as it lives. */
  lifeLock: lockNameSchema,
  /** A service worker asks for pages and is none: it is not counted among the tabs. Absent: a page. */
  role: v.exactOptional(v.picklist(['page', 'service-worker'])),
  /** Settings of the site; the first tab to say hello sets them, the others are told what holds. */
  settings: settingsSchema,
});
export type HelloRequest = Readonly<v.InferOutput<typeof helloSchema>>;

const loadSchema = v.object({
  /** Catalogue id, or absolute URL of a pack directory or a GGUF file. */
  model: modelSchema,
  /** Absent: the site's setting. */
  device: v.exactOptional(deviceSchema),
  /** Chosen by the tab, for `cancelLoad`. */
  loadId: idSchema,
  /** The visitor agreed to this download: a metered connection is no reason to refuse it. */
  confirmed: v.exactOptional(v.boolean()),
  /** A GGUF file that the visitor chose; `model` is then what it is called. */
  file: v.exactOptional(v.instance(Blob)),
});
export type LoadRequest = Readonly<v.InferOutput<typeof loadSchema>>;

const controlSchema = v.object({ type: v.literal('abort') });
export type StreamControl = Readonly<v.InferOutput<typeof controlSchema>>;

/**
 * @throws EngineError `invalid-request` naming the field, also when the page speaks another version of this protocol
 */
export function parseHello(value: unknown): HelloRequest {
  const hello = check(helloSchema, value, 'hello');
  if (hello.protocolVersion === protocolVersion) return hello;
  throw new EngineError(
    'invalid-request',
    `This page speaks version ${hello.protocolVersion} of the engine's protocol, the engine version ${protocolVersion}.`,
    { hint: 'Reload every tab of this site.' },
  );
}

/** @throws EngineError `invalid-request` naming the field */
export const parseLoad = (value: unknown): LoadRequest => check(loadSchema, value, 'the load request');

/** @throws EngineError `invalid-request` */
export const parseId = (value: unknown, what: string): string => check(idSchema, value, what);

/** @throws EngineError `invalid-request` */
export const parseSource = (value: unknown): string => check(modelSchema, value, "the model's source");

/** @throws EngineError `invalid-request` */
export const parseSwitch = (value: unknown, what: string): boolean => check(v.boolean(), value, what);

/** @throws EngineError `invalid-request` */
export const parseStreamControl = (value: unknown): StreamControl => check(controlSchema, value, 'a stream message');

function isWebUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return (url.protocol === 'https:' || url.protocol === 'http:') && url.username === '' && url.password === '';
}

export interface HelloReply {
  readonly state: EngineState;
  /** The settings that hold: the first tab's. */
  readonly settings: EngineSettings;
  /**
   * The host sees the tab's lock, so each is told of the other's death by locks. False when the site's data was cleared
   * between the start of one and of the other: the tab has the heartbeat then, the host the closing of the port.
   */
  readonly sharesLocks: boolean;
}

/** The only methods a port answers to. */
export const hostMethods = [
  'hello',
  'state',
  'models',
  'load',
  'cancelLoad',
  'pauseLoad',
  'stopLoad',
  'storage',
  'deleteModel',
  'unload',
  'complete',
  'countTokens',
  'listConversations',
  'readConversation',
  'writeConversation',
  'deleteConversation',
  'setCloudAllowed',
  'setPreferences',
  'assess',
  'kept',
  'eraseAll',
  'profile',
  'offerHelper',
  'setVisibility',
  'fetched',
  'ping',
  'goodbye',
] as const;
export type HostMethod = (typeof hostMethods)[number];

export interface HostApi extends Record<HostMethod, (...args: never[]) => Promise<Reply<unknown>>> {
  hello(request: unknown): Promise<Reply<HelloReply>>;
  state(): Promise<Reply<EngineState>>;
  /** Waits for the catalogue. */
  models(): Promise<Reply<readonly ModelListing[]>>;
  /**
   * Resolves when the model answers; progress is in the state. A load under way for the same model is joined; a load
   * of another model waits for the answer that runs.
   */
  load(request: unknown): Promise<Reply<LoadedModel>>;
  /** This tab no longer wants that load; it is broken off when no other tab wants it either. */
  cancelLoad(loadId: unknown): Promise<Reply<null>>;
  /** Pauses the download under way for all tabs, or lets it go on. Nothing happens when there is none. */
  pauseLoad(paused: unknown): Promise<Reply<null>>;
  /** Breaks off the load under way for all tabs. What was downloaded stays and is used by the next load. */
  stopLoad(): Promise<Reply<null>>;
  storage(): Promise<Reply<StorageReport>>;
  /** Frees a model that is loaded and removes it from this device. @param source as in `KeptModel` */
  deleteModel(source: unknown): Promise<Reply<null>>;
  unload(): Promise<Reply<null>>;
  /** Begins an answer; everything after the acceptance is told on the port. The host closes the port at the end. */
  complete(request: unknown, port: unknown): Promise<Reply<{ readonly requestId: string }>>;
  /** What a prompt of these messages costs, by the loaded model's tokenizer; an estimate while none is loaded. */
  countTokens(request: unknown): Promise<Reply<TokenCount>>;
  /** Conversations kept on this device (conversations.ts), newest first. */
  listConversations(query: unknown): Promise<Reply<ConversationList>>;
  readConversation(id: unknown): Promise<Reply<Conversation>>;
  /** Keeps it. @returns what is kept now, with what other tabs wrote into it */
  writeConversation(request: unknown): Promise<Reply<Conversation>>;
  deleteConversation(id: unknown): Promise<Reply<null>>;
  setCloudAllowed(allowed: unknown): Promise<Reply<null>>;
  /** @param change some of `VisitorPreferences`; acts at once for all tabs, and is stored when this resolves */
  setPreferences(change: unknown): Promise<Reply<null>>;
  /** Measures this device, where that has not happened, and publishes `state.verdicts`. */
  assess(): Promise<Reply<null>>;
  /** All that this origin keeps for the kit. */
  kept(): Promise<Reply<KeptReport>>;
  /** Ends answers and loads, and erases all of it. What cannot be erased is in the reply, not thrown. */
  eraseAll(): Promise<Reply<Erasure>>;
  /** What the kernels of the loaded model took. @param running begins anew or ends the measuring; absent: leaves it */
  profile(running?: unknown): Promise<Reply<ProfileReport>>;
  /** This tab can lend a worker with threads; it is ordered over the port when one is needed (protocol/helper.ts). */
  offerHelper(offer: unknown, orders: unknown): Promise<Reply<null>>;
  /** Whether somebody can see this tab: requests of a hidden one wait for those of visible ones. Visible until told. */
  setVisibility(visible: unknown): Promise<Reply<null>>;
  /** Same-origin URLs this worker has fetched: what a page needs to have kept for offline use. */
  fetched(): Promise<Reply<readonly string[]>>;
  /** The heartbeat. */
  ping(): Promise<Reply<{ readonly hostId: string }>>;
  /** The tab leaves: everything of it is freed at once. */
  goodbye(): Promise<Reply<null>>;
}

export type StreamMessage =
  | { readonly type: 'queued'; readonly place: number }
  | { readonly type: 'started' }
  | { readonly type: 'chunk'; readonly sequence: number; readonly chunk: ChatCompletionChunk }
  | { readonly type: 'done' }
  | { readonly type: 'error'; readonly error: EngineErrorShape };
