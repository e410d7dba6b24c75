// The cloud as a model among models: what the state shows when the endpoint is the one that answers, and the refusal
// while the visitor's switch is off. Called by ModelSlot and Answering.

import { EngineError } from '../protocol/errors.js';
import type { EngineSettings } from '../protocol/host-api.js';
import { cloudModelId, type LoadedModel, type ModelListing } from '../protocol/state.js';

export function cloudListing(settings: EngineSettings): ModelListing {
  return {
    id: cloudModelId,
    name: settings.cloudModel ?? cloudModelId,
    description: '',
    url: settings.cloudUrl ?? '',
    byteLength: 0,
    licence: 'unknown',
    contextLength: 0,
    quantisation: '',
    parameters: 0,
    languages: [],
  };
}

export function loadedCloud(name: string, settings: EngineSettings): LoadedModel {
  return {
    id: cloudModelId,
    name,
    backend: 'cloud',
    decoder: 'cloud',
    device: 'cloud',
    deviceName: settings.cloudUrl === null ? '' : new URL(settings.cloudUrl).host,
    contextLength: 0,
    weightBytes: 0,
    loadMilliseconds: 0,
  };
}

export const consentRequired = (): EngineError =>
  new EngineError('consent-required', 'The cloud may answer only after you switched it on.', {
    hint: 'Switch the cloud on, or choose a model that runs on this device.',
  });
