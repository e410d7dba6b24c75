// Which build of the engine this page belongs to: written in by rollup.config.mjs (the hash of engine-worker.js, see
// sw/stamp-kit.mjs). It is part of the engine's scope and of its worker's URL, so that a page with a newer kit never
// joins the engine of an older tab, nor an old page a newer engine; each ends with its own pages. '' when run from source.

export const engineBuild: string = '';
