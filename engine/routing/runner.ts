// What routing needs from those who open models and run them, and nothing of how they do it. Implemented by
// host/local-parts.ts (weights, tokenizer, generate, decoders) and, at the edge of tests, by a scripted model.

import type { Backend } from '../backends/backend.js';
import type { DecoderDevice, DecoderInfo } from '../decoders/decoder.js';
import type { KernelFigure } from '../protocol/profile.js';
import type { StorageReport } from '../protocol/state.js';
import type { DownloadSwitch } from '../weights/download/switch.js';
import type { LoadProgress } from '../weights/model.js';

export interface StageOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: StageProgress) => void;
}

/** With what a download knows of its speed. */
export interface StageProgress extends LoadProgress {
  readonly bytesPerSecond?: number | null;
  readonly secondsLeft?: number | null;
}

/** A model whose header was read and found sound; its tensors are still where they were. */
export interface OpenedModel {
  /** The model's own name, for people. */
  readonly name: string;
  /**
   * Reads the tensors and makes a backend of them on one device. May be called again for another device.
   * @throws EngineError; a device's failure is told apart from a model's by its code (routing/ladder.ts)
   */
  start(device: DecoderDevice, options: StageOptions): Promise<RunningModel>;
  /** The public key whose signature was found right; null or absent when nobody vouches for it. */
  readonly signedBy?: string | null;
  /** Resolves when all of it is on this device. Absent where nothing is kept. @throws EngineError */
  downloaded?(signal: AbortSignal): Promise<void>;
  close(): void;
}

export interface Profiler {
  /** Begins to measure anew, or ends it. @returns false where the device has no such clock */
  profile(on: boolean): boolean;
  /** The longest first. */
  kernelTimes(): Promise<readonly KernelFigure[]>;
}

export interface RunningModel {
  readonly backend: Backend;
  readonly decoder: DecoderInfo;
  /** Bytes of keys and values held now. */
  kvBytes(): number;
  /** Of decoders that can time their kernels. */
  readonly profiler?: Profiler;
}

/** What holds for opening beyond the stage's own. */
export interface OpenOptions extends StageOptions {
  /** What the model is to run on first: models that come in several formats are taken in the one that fits. */
  readonly device?: DecoderDevice;
  /** Obeyed by downloads, also after the opening. */
  readonly control: DownloadSwitch;
  /** See EngineSettings. */
  readonly trustedKeys: readonly string[];
  readonly maxDownload: number | null;
  /** The visitor agreed to this download. */
  readonly confirmed: boolean;
  /** The file that the visitor chose, when that is the model. */
  readonly file: Blob | null;
  /** Told, in plain words, what a person should know and no error says. */
  readonly onNote: (text: string) => void;
}

/** @param url absolute, of a pack, a GGUF file, a repository or a graph; or `file:...`, a chosen file's name */
export type OpenModel = (url: string, options: OpenOptions) => Promise<OpenedModel>;

/** The models kept on this device. */
export interface KeptModels {
  report(): Promise<StorageReport>;
  /** @returns false when it is not here */
  delete(source: string): Promise<boolean>;
}
