// Where a repository's graph is looked for, as an address says it: a folder (any server) or a model's page on the hub, with
// `?dtype=q4` for a format, or the address of an .onnx file. Called by open-model.ts. Fetches nothing.
// What goes wrong: a dtype that transformers.js does not know is `invalid-request`.

import { EngineError } from '../../protocol/errors.js';
import { dtypes, isDtype, type Dtype } from './onnx-variants.js';

export interface HubPlace {
  /** As the store calls it. */
  readonly source: string;
  /** Ends with a slash. */
  readonly folder: string;
  /** What the address names; null: the best for the device. */
  readonly wanted:
    { readonly kind: 'file'; readonly path: string } | { readonly kind: 'dtype'; readonly dtype: Dtype } | null;
}

/** A model's page on huggingface.co -> the folder of its files, newest revision; null for any other address. */
export function repositoryOf(url: URL): string | null {
  const [owner, name, ...rest] = url.pathname.split('/').filter(Boolean);
  if (url.hostname !== 'huggingface.co' || owner === undefined || name === undefined || rest.length > 0) return null;
  return `https://huggingface.co/${owner}/${name}/resolve/main/`;
}

/** @returns null for an address that names no graph: a folder may hold anything */
export function hubPlaceOf(url: URL): HubPlace | null {
  if (/\.onnx$/i.test(url.pathname)) {
    // The hub shows a file under "blob" and serves it under "resolve".
    const shown = new URL(url);
    if (url.hostname === 'huggingface.co')
      shown.pathname = url.pathname.replace(/^(\/[^/]+\/[^/]+)\/blob\//, '$1/resolve/');
    const own = new URL('.', shown);
    const folder = /\/onnx\/$/.test(own.pathname) ? new URL('..', own) : own;
    const path = shown.pathname.slice(folder.pathname.length);
    return { source: url.href, folder: folder.href, wanted: { kind: 'file', path } };
  }
  const dtype = url.searchParams.get('dtype');
  if (dtype === null) return null;
  if (!isDtype(dtype)) {
    throw new EngineError('invalid-request', `"${dtype.slice(0, 20)}" is no format of numbers (dtype).`, {
      hint: `Formats are ${dtypes.join(', ')}.`,
    });
  }
  return { source: url.href, folder: folderOf(url), wanted: { kind: 'dtype', dtype } };
}

/** The folder of a repository's files. */
export function folderOf(url: URL): string {
  const hub = repositoryOf(url);
  if (hub !== null) return hub;
  const folder = new URL(url);
  folder.search = '';
  folder.hash = '';
  folder.pathname = `${url.pathname.replace(/\/$/, '')}/`;
  return folder.href;
}
