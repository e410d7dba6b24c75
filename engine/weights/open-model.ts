// Opens a model from wherever it lies. Called by engine/host when a model is loaded, and by tests.
// It finds out what answers at a place (a pack, a GGUF file) and hands over; it knows nothing of either format.
// What goes wrong: nothing there is `model-not-found`, something else there is `model-invalid`, both with what to do.

import { EngineError } from '../protocol/errors.js';
import { blobSource } from './byte-source.js';
import { openGguf } from './gguf/gguf-model.js';
import { httpContext, readUpTo, request, type HttpContext } from './http.js';
import { openHttpSource } from './http-source.js';
import type { Model, OpenModelOptions } from './model.js';
import { openPack } from './pack/pack-model.js';

export type ModelLocation =
  /** A pack's directory or its manifest.json, or a GGUF file. Absolute, or relative to the page or worker. */
  | { readonly kind: 'url'; readonly url: string }
  /** A GGUF file that the visitor chose. */
  | { readonly kind: 'file'; readonly blob: Blob };

/**
 * @throws EngineError `model-not-found`, `model-invalid`, `model-unsupported`, `model-too-large`, `network`, `aborted`
 */
export async function openModel(location: ModelLocation, options: OpenModelOptions = {}): Promise<Model> {
  const { signal, onProgress } = options;
  if (location.kind === 'file') return openGguf(blobSource(location.blob), signal, onProgress);
  // Its signal ends the opening only: tensors are read long afterwards, and each read brings its own.
  const context = httpContext(options);
  const url = absolute(location.url);
  const kind = await kindOfPlace(url, context);
  switch (kind) {
    case 'manifest':
      return openPack(url.href, context, onProgress);
    case 'directory':
      return openPack(beside(url, 'manifest.json'), context, onProgress);
    case 'gguf': {
      const { source, downloaded } = await openHttpSource(url.href, context, (loadedBytes, totalBytes) =>
        onProgress?.({ loadedBytes, totalBytes }),
      );
      return openGguf(source, signal, downloaded ? undefined : onProgress);
    }
  }
}

function absolute(text: string): URL {
  const base = (globalThis.location as Location | undefined)?.href;
  const url = URL.canParse(text, base) ? new URL(text, base) : null;
  if (url !== null && (url.protocol === 'http:' || url.protocol === 'https:' || url.protocol === 'blob:')) return url;
  throw new EngineError('model-not-found', `"${text.slice(0, 200)}" is no web address.`, {
    hint: 'Give the http(s) address of a directory made by the packer, or of a GGUF file.',
  });
}

/** `name` inside the directory `url`, whether or not that ends with a slash. */
function beside(url: URL, name: string): string {
  const directory = new URL(url);
  directory.pathname = `${url.pathname.replace(/\/$/, '')}/${name}`;
  return directory.href;
}

type PlaceKind = 'manifest' | 'directory' | 'gguf';

/** By the name where it tells, otherwise by asking for the first four bytes. */
async function kindOfPlace(url: URL, context: HttpContext): Promise<PlaceKind> {
  const path = url.pathname.toLowerCase();
  if (path.endsWith('.json')) return 'manifest';
  if (path.endsWith('.gguf')) return 'gguf';
  if (path.endsWith('/')) return 'directory';
  try {
    const answer = await request(url.href, { headers: { Range: 'bytes=0-3' } }, context);
    const start = await readUpTo(answer, url.href, 4, context, 'cut');
    return new TextDecoder().decode(start) === 'GGUF' ? 'gguf' : 'directory';
  } catch (thrown) {
    // Servers that list no directories refuse one whose manifest they do serve; asking for that gives the real error.
    if (thrown instanceof EngineError && thrown.code !== 'aborted') return 'directory';
    throw thrown;
  }
}
