import type { IncomingHttpHeaders, Server } from 'node:http';

export interface RecordedRequest {
  readonly fault: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: { readonly messages: readonly unknown[]; readonly [field: string]: unknown };
}

export function createCloudEndpoint(options?: { readonly delay?: number }): {
  readonly server: Server;
  readonly requests: RecordedRequest[];
};
