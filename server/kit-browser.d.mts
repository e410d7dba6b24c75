// Types of kit-browser.mjs for the tests, which are TypeScript.
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Browser, BrowserContext } from 'playwright-core';

export interface KitOptions {
  readonly root?: string;
  readonly mounts?: Record<string, string>;
  readonly isolate?: boolean;
  readonly gpu?: 'software' | 'real' | 'none';
  readonly policy?: string | null;
  readonly handle?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

export interface Kit {
  readonly origin: string;
  readonly server: Server;
  readonly browser: Browser;
  readonly context: BrowserContext;
  endEngine(): Promise<void>;
  close(): Promise<void>;
}

export function openKit(options?: KitOptions): Promise<Kit>;
