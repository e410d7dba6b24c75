// Where the kit's own files lie, seen from this module: beside it in `dist/`, or one folder up when the build put this
// code into `chunks/`. Called by connect(). Sites that serve the files elsewhere pass `workerUrl` and `catalogueUrl`.

import { engineBuild } from './kit-build.js';

/** Base URL of the kit, ends with a slash. */
export function kitBaseUrl(moduleUrl: string = import.meta.url): string {
  const folder = new URL('.', moduleUrl);
  return folder.pathname.endsWith('/chunks/') ? new URL('..', folder).href : folder.href;
}

/** With the build, so that the service worker gives each page the worker it was built with. */
export const workerUrlIn = (base: string, build = engineBuild): string =>
  new URL(`engine-worker.js${build && `?build=${build}`}`, base).href;
/** Of the same build as the worker. */
export const helperUrlBeside = (workerUrl: string): string => {
  const { search, href } = new URL(workerUrl);
  return new URL(`helper-worker.js${search}`, href).href;
};
export const catalogueUrlIn = (base: string): string => new URL('models/models.json', base).href;

/** Of another origin than the page. */
export const isForeign = (url: string): boolean =>
  new URL(url, globalThis.location.href).origin !== globalThis.location.origin;

/**
 * A model as the host knows it: a catalogue's id stays as it is; what begins like a relative URL ("./", "../" or "/")
 * is made absolute against the page.
 */
export function modelReference(model: string, page: string = globalThis.location.href): string {
  return /^\.{0,2}\//.test(model) && URL.canParse(model, page) ? new URL(model, page).href : model;
}
