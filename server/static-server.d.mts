// Types of static-server.mjs for the tests, which are TypeScript.
import type { IncomingMessage, Server, ServerResponse } from 'node:http';

export const strictPolicy: string;
export const distFolder: string;
export function parseRange(header: string, size: number): { start: number; end: number } | null | 'unsatisfiable';
export function createStaticServer(options: {
  readonly root: string;
  readonly mounts?: Record<string, string>;
  readonly kit?: string;
  readonly isolate?: boolean;
  readonly policy?: string | null;
  readonly handle?: (request: IncomingMessage, response: ServerResponse) => boolean;
}): Server;
export function portFromEnvironment(usual: number): number;
export function listen(server: Server, port?: number): Promise<number>;
