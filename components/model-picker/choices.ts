// What the picker's cards say: the catalogue, what is kept on this device beside it, a model that a page named by its
// address, the cloud. Pure; `<llm-model-picker>` calls it before each render. It knows nothing of the screen.
// A pack is listed under its folder's address and kept under its manifest's, so both are compared by the folder.

import {
  cloudModelId,
  type EngineState,
  type EngineStatus,
  type KeptModel,
  type ModelListing,
  type ModelVerdict,
  type StorageReport,
} from '../../engine/protocol/state.js';
import { formatBytes } from '../internal/format.js';
import { formatLanguages, formatParameters } from '../internal/more-formats.js';
import { pickerWords } from './model-picker.words.js';

/** One card. */
export interface Choice {
  /** What the engine is asked for. */
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly facts: readonly string[];
  /** How it would do on this device; null where nobody knows. */
  readonly verdict: Verdict | null;
  /** Why loading it may be refused, in words; empty where nothing speaks against it. */
  readonly warning: string;
  /** What is kept of it on this device; null for nothing. */
  readonly kept: KeptModel | null;
  /** Words on the button that loads it. */
  readonly action: string;
}

export interface Verdict {
  readonly tier: Exclude<ModelVerdict['tier'], 'unknown'>;
  readonly text: string;
}

export interface Surroundings {
  /** Null until it is known. */
  readonly storage: StorageReport | null;
  /** Bytes that the site allows one download to have. */
  readonly maxDownload: number | undefined;
  /** The better a model does on this device the further up it stands, and of those that do well the largest first. */
  readonly ordered: boolean;
}

export function choicesOf(state: EngineState, surroundings: Surroundings): readonly Choice[] {
  const kept = surroundings.storage?.models ?? [];
  const keptAt = (address: string) => kept.find(({ source }) => placeOf(source) === placeOf(address)) ?? null;
  const models = surroundings.ordered ? bestFirst(state.models, state.verdicts) : state.models;
  const listed = models.map((model) => ({
    ...listedChoice(model, keptAt(model.url), surroundings),
    verdict: verdictOf(state.verdicts.find(({ modelId }) => modelId === model.id)),
  }));
  const isListed = (id: string): boolean =>
    state.models.some((model) => model.id === id || placeOf(model.url) === placeOf(id));
  const running = unlisted(state.status)
    .filter(({ id }) => !isListed(id))
    .map((choice) => ({ ...choice, kept: keptAt(choice.id) }));
  const shown = (source: string): boolean =>
    isListed(source) || running.some(({ id }) => placeOf(id) === placeOf(source));
  const others = kept.filter(({ source }) => !shown(source)).map(keptChoice);
  const { endpoint, allowed } = state.cloud;
  return [...listed, ...running, ...others, ...(endpoint !== null && allowed ? [cloudChoice(endpoint)] : [])];
}

/** Whether a card has all words of the query, in any order. */
export function matches({ name, description, facts, verdict }: Choice, query: string): boolean {
  const text = [name, description, ...facts, verdict?.text ?? ''].join(' ').toLocaleLowerCase();
  return query
    .toLocaleLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

/** Not all of it is here: a download that was broken off. */
export const isPartial = ({ storedBytes, byteLength }: KeptModel): boolean => storedBytes < byteLength;

/** A word is four thirds of a token, in English. */
const wordsPerToken = 0.75;

function verdictOf(verdict: ModelVerdict | undefined): Verdict | null {
  if (verdict === undefined || verdict.tier === 'unknown') return null;
  const { tier, tokensPerSecond } = verdict;
  const text = pickerWords.verdicts;
  return { tier, text: tier === 'slow' ? text.slow((tokensPerSecond ?? 0) * wordsPerToken) : text[tier] };
}

const ranks: Readonly<Record<ModelVerdict['tier'], number>> = {
  well: 0,
  unknown: 1,
  slow: 2,
  'too-large': 3,
  'no-device': 3,
};

/** Of equals, the catalogue's order holds. */
function bestFirst(models: readonly ModelListing[], verdicts: readonly ModelVerdict[]): readonly ModelListing[] {
  const tiers = new Map(verdicts.map(({ modelId, tier }) => [modelId, tier]));
  const tierOf = ({ id }: ModelListing): ModelVerdict['tier'] => tiers.get(id) ?? 'unknown';
  return [...models].sort((one, other) => {
    const rank = ranks[tierOf(one)] - ranks[tierOf(other)];
    return rank !== 0 || tierOf(one) !== 'well' ? rank : other.parameters - one.parameters;
  });
}

const placeOf = (address: string): string => address.replace(/\/manifest\.json$/, '').replace(/\/$/, '');

function listedChoice(model: ModelListing, kept: KeptModel | null, surroundings: Surroundings): Choice {
  const { facts } = pickerWords;
  const { id, name, description, byteLength, languages } = model;
  // A catalogue may not know all of what lies elsewhere.
  const size = byteLength > 0 ? formatBytes(byteLength) : '';
  return {
    id,
    name,
    description,
    facts: [
      size === '' ? '' : facts.size(size),
      model.parameters > 0 ? facts.parameters(formatParameters(model.parameters)) : '',
      model.contextLength > 0 ? facts.context(model.contextLength) : '',
      formatLanguages(languages, facts.more),
      model.quantisation === '' ? '' : facts.quantisation(model.quantisation),
      facts.licence(model.licence),
    ].filter((fact) => fact !== ''),
    verdict: null,
    warning: warningOf(byteLength, kept, surroundings),
    kept,
    action: pickerWords.load(kept === null ? size : missing(kept)),
  };
}

/** In no catalogue, but kept here: a file that the visitor chose, an address that they pasted. */
function keptChoice(kept: KeptModel): Choice {
  const { source, name, quantisation } = kept;
  return {
    id: source.replace(/\/manifest\.json$/, '/'),
    name,
    description: '',
    facts: quantisation === '' ? [] : [pickerWords.facts.quantisation(quantisation)],
    verdict: null,
    warning: '',
    kept,
    action: pickerWords.load(missing(kept)),
  };
}

function cloudChoice(endpoint: string): Choice {
  const { cloud: name, cloudDescription: description, use: action } = pickerWords;
  return {
    id: cloudModelId,
    name: name(endpoint),
    description,
    facts: [],
    verdict: null,
    warning: '',
    kept: null,
    action,
  };
}

/** A model that a page named by its address is in no catalogue, and is shown while it loads and runs. */
function unlisted(status: EngineStatus): readonly Choice[] {
  const card = { description: '', facts: [], verdict: null, warning: '', kept: null, action: pickerWords.load('') };
  const notCloud = ({ id }: Choice): boolean => id !== cloudModelId;
  if (status.kind === 'loading') return [{ ...card, id: status.modelId, name: status.modelName }].filter(notCloud);
  if (status.kind !== 'ready') return [];
  const { id, name, contextLength } = status.model;
  const facts = contextLength > 0 ? [pickerWords.facts.context(contextLength)] : [];
  return [{ ...card, id, name, facts }].filter(notCloud);
}

/** The download that is left of a model kept in part; nothing of one that is whole. */
const missing = (kept: KeptModel): string => (isPartial(kept) ? formatBytes(kept.byteLength - kept.storedBytes) : '');

/** A guess from the catalogue's size; the engine decides when it is asked. */
function warningOf(byteLength: number, kept: KeptModel | null, { storage, maxDownload }: Surroundings): string {
  if (kept !== null) return '';
  if (maxDownload !== undefined && byteLength > maxDownload) return pickerWords.aboveLimit(formatBytes(maxDownload));
  const room = freeBytes(storage);
  return room !== null && byteLength > room ? pickerWords.aboveRoom(formatBytes(room)) : '';
}

/** Bytes this site may still store; null where the browser does not say. */
export function freeBytes(storage: StorageReport | null): number | null {
  if (storage === null || storage.usage === null || storage.quota === null) return null;
  return Math.max(0, storage.quota - storage.usage);
}
