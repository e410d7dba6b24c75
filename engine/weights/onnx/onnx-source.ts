// ONNX repositories as transformers.js reads them (config.json, tokenizer.json, onnx/model_q4.onnx and its data files), on
// the hub or any other server: the graph is run as it is. Called by open-model.ts for an address that names a graph, or a
// folder with neither a pack nor safetensors. Files come into the store in verified parts (graph-store.ts) and are opened
// from there afterwards, without the network if need be.
// What goes wrong: no graph is `model-not-found`; a graph that continues no text `model-unsupported` before its numbers are
// downloaded; a damaged one `model-invalid`; what the gate, the downloads and the store throw.

import { EngineError } from '../../protocol/errors.js';
import { readVerified } from '../download/download-file.js';
import { passGate } from '../download/gate.js';
import { readHfGeneration } from '../hf-config.js';
import type { GenerationDefaults, TokenizerFiles } from '../model.js';
import type { Opening } from '../opening.js';
import { refuseUnsigned } from '../rewrite/rewritten-model.js';
import { readTokenizer } from '../safetensors/repository.js';
import { nameOf } from '../safetensors/hf-source.js';
import { sha256 } from '../sha256.js';
import type { StoredFile } from '../store/model-store.js';
import { checkGraph, readGraphConfig } from './graph-config.js';
import { GraphDownload, type GraphTexts } from './graph-download.js';
import type { GraphFacts, GraphModel } from './graph-model.js';
import { parseGraphList, type GraphList, type HubFile } from './graph-store.js';
import { HubFiles } from './hub-files.js';
import type { HubPlace } from './hub-place.js';
import { readOnnxOutline, type OnnxOutline } from './onnx-outline.js';
import { dtypeOf, graphPaths, preferredDtypes, type GraphDevice } from './onnx-variants.js';

/** A stored model waits for the network's word on a newer one no longer than this. Milliseconds. */
const freshnessWait = 4_000;
/** A graph's file is one array in memory and a protobuf; neither may pass this. Bytes. */
const graphLimit = 2 ** 31 - 1;

/** Entries of the journal that are graphs have this in front of their tag. */
export const graphTag = 'onnx ';

/** @throws EngineError */
export async function openOnnx(place: HubPlace, opening: Opening): Promise<GraphModel> {
  refuseUnsigned(place.source, opening);
  const device = await opening.device();
  return (await openStored(place, opening, device)) ?? openRemote(place, opening, device);
}

async function openStored(place: HubPlace, opening: Opening, device: GraphDevice): Promise<GraphModel | null> {
  const { store } = opening;
  const stored = store?.find(place.source) ?? null;
  if (store === null || stored === null || stored.manifest === null) return null;
  if (stored.original?.tag.startsWith(graphTag) !== true) return null;
  const bytes = await readVerified(stored.manifest, store);
  const list = bytes === null ? null : parseGraphList(bytes);
  if (list === null) return null;
  const dtype = dtypeOf(list.files[0]?.path ?? '');
  if (place.wanted === null && !preferredDtypes(device).includes(dtype)) return null;
  if (await wasReplaced(list, place, opening)) return null;
  const readText = async (file: StoredFile): Promise<Uint8Array<ArrayBuffer> | null> => readVerified(file, store);
  const { config, tokenizer, tokenizerConfig, generation } = list.texts;
  const texts = await Promise.all(
    [config, tokenizer, tokenizerConfig, ...(generation === null ? [] : [generation])].map((file) =>
      readText({ key: file.sha256, byteLength: file.byteLength }),
    ),
  );
  const [first, second, third, fourth = null] = texts;
  if (!first || !second || !third || (generation !== null && fourth === null)) return null; // damaged: brought anew
  const given: GraphTexts = { config: first, tokenizer: second, tokenizerConfig: third, generation: fourth };
  const { source } = place;
  const download = new GraphDownload(
    { source, id: stored.id, name: list.name, dtype: list.dtype, texts: given },
    opening,
  );
  await download.take(list);
  return modelOf(place, download, given, list);
}

/** Whether the server has other files now. What it cannot say, or says unusably, is no reason to throw the copy away. */
async function wasReplaced({ files, name }: GraphList, place: HubPlace, opening: Opening): Promise<boolean> {
  const http = { ...opening.http, stallMilliseconds: freshnessWait };
  const hub = new HubFiles(http, opening.clock, 1, {
    allow: () => Promise.reject(new EngineError('network', 'Its server knows no ranges.')),
  });
  try {
    const now = await Promise.all(files.map(({ path, url }) => hub.find(path, url)));
    if (now.includes(null)) {
      opening.onNote(`${name} is no longer at ${place.folder}; the copy on this device is used.`);
      return false;
    }
    return files.some(({ byteLength, etag }, index) => {
      const other = now[index];
      return other?.byteLength !== byteLength || (etag !== null && other.etag !== null && etag !== other.etag);
    });
  } catch (thrown) {
    if (thrown instanceof EngineError && thrown.code !== 'aborted') return false;
    throw thrown;
  }
}

async function openRemote(place: HubPlace, opening: Opening, device: GraphDevice): Promise<GraphModel> {
  const { source, folder } = place;
  const name = nameOf(folder);
  const gate = (bytes: number): Promise<unknown> =>
    passGate({ name, source, missing: bytes, needed: bytes }, opening.gate, opening.store);
  const hub = new HubFiles(opening.http, opening.clock, 3, {
    allow: gate,
    onDownload: (loadedBytes, totalBytes) =>
      opening.onProgress({ loadedBytes, totalBytes, bytesPerSecond: null, secondsLeft: null }),
  });
  const texts = await readTexts(place, hub);
  const config = readGraphConfig(parse(texts.config, `${folder}config.json`), folder);
  const file = await findGraph(place, hub, device);
  if (file.byteLength > graphLimit) throw tooLarge(file);
  const dtype = dtypeOf(file.path);
  const tag = `${graphTag}${file.etag ?? ''} ${file.byteLength}`;
  const id = `onnx:${await sha256(new TextEncoder().encode(JSON.stringify([source, file])))}`;
  const download = new GraphDownload({ source, id, name, dtype, texts, tag }, { ...opening, http: hub.http });
  try {
    await download.add([file], gate);
    const outline = readOnnxOutline(await download.read(file.path, opening.http.signal), file.url);
    checkGraph(outline, file.url);
    const data = await findData(file, outline, hub);
    await download.add(data, gate);
    download.finishWith(outline);
    return modelOf(place, download, texts, { ...outline, ...config, files: [file, ...data] });
  } catch (thrown) {
    download.close();
    throw thrown;
  }
}

async function findGraph({ folder, wanted }: HubPlace, hub: HubFiles, device: GraphDevice): Promise<HubFile> {
  const paths =
    wanted?.kind === 'file'
      ? [wanted.path]
      : (wanted === null ? preferredDtypes(device) : [wanted.dtype]).flatMap(graphPaths);
  for (const path of paths) {
    const url = new URL(path, folder).href;
    const found = await hub.find(url.slice(url.lastIndexOf('/') + 1), url);
    if (found !== null) return found;
  }
  throw new EngineError('model-not-found', `There is no graph at ${folder} (${paths.slice(0, 3).join(', ')} ...).`, {
    hint: 'An ONNX repository has config.json, tokenizer.json and, in its folder onnx, files such as model_q4.onnx.',
  });
}

/** The files that hold the graph's numbers, each as long as the graph needs it. */
async function findData(graph: HubFile, { externalData }: OnnxOutline, hub: HubFiles): Promise<HubFile[]> {
  const files: HubFile[] = [];
  for (const [path, needed] of externalData) {
    const file = await hub.find(path, new URL(path, graph.url).href);
    if (file === null) {
      throw new EngineError('model-not-found', `${graph.url} needs ${path} beside it, which is not there.`, {
        hint: 'Publish the repository with all its files.',
      });
    }
    if (file.byteLength < needed) {
      throw new EngineError(
        'model-invalid',
        `${file.url} ends at byte ${file.byteLength}, and the graph reads it up to byte ${needed}.`,
        { hint: 'The file is truncated or belongs to another graph. Publish the repository again.' },
      );
    }
    files.push(file);
  }
  return files;
}

async function readTexts({ folder }: HubPlace, hub: HubFiles): Promise<GraphTexts> {
  const read = (name: string): Promise<Uint8Array<ArrayBuffer> | null> => hub.read(new URL(name, folder).href);
  const config = await read('config.json');
  if (config === null) {
    throw new EngineError('model-not-found', `${folder}config.json cannot be read.`, {
      hint: 'An ONNX repository needs config.json, tokenizer.json and tokenizer_config.json.',
    });
  }
  const { tokenizer, config: tokenizerConfig } = await readTokenizer({
    where: folder,
    read,
    open: () => Promise.resolve(null),
  });
  return { config, tokenizer, tokenizerConfig, generation: await read('generation_config.json') };
}

type Facts = Pick<GraphFacts, 'inputs' | 'outputs'> & { readonly files: readonly HubFile[] };

function modelOf(
  { folder }: HubPlace,
  download: GraphDownload,
  texts: GraphTexts,
  { inputs, outputs, files }: Facts,
): GraphModel {
  const [file, ...externalData] = files.map(({ path, byteLength }) => ({ path, byteLength }));
  if (file === undefined) throw new RangeError('a graph without a file');
  const config = parse(texts.config, `${folder}config.json`);
  const advice: unknown = texts.generation === null ? {} : parse(texts.generation, `${folder}generation_config.json`);
  const tokenizerFiles: TokenizerFiles = {
    kind: 'tokenizer-json',
    tokenizer: parse(texts.tokenizer, `${folder}tokenizer.json`),
    config: parse(texts.tokenizerConfig, `${folder}tokenizer_config.json`),
  };
  const generationDefaults: GenerationDefaults = readHfGeneration(advice, config, folder);
  const { id, name, dtype } = download.facts;
  const byteLength = files.reduce((sum, { byteLength: length }) => sum + length, 0);
  return {
    identity: { id, name, licence: 'unknown', quantisation: dtype, byteLength },
    graph: { file, externalData, inputs, outputs, ...readGraphConfig(config, folder) },
    tokenizerFiles,
    generationDefaults,
    readFile: (path, signal) => download.read(path, signal),
    downloaded: (signal) => download.whenStored(signal),
    close: () => download.close(),
  };
}

function parse(bytes: Uint8Array, where: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (thrown) {
    throw new EngineError('model-invalid', `${where}: it is no JSON.`, {
      cause: thrown,
      hint: 'The file is damaged. Publish the repository again.',
    });
  }
}

const tooLarge = ({ url, byteLength }: HubFile): EngineError =>
  new EngineError('model-too-large', `${url} has ${byteLength} bytes in one file; 2 GiB can be read.`, {
    hint: 'Export the model with its numbers in data files beside the graph, or choose a smaller format.',
  });
