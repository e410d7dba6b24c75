import type { BuildResult } from 'esbuild';

/** Builds the elements for servers into this folder. */
export declare const buildForServers: (outdir: string) => Promise<BuildResult>;
