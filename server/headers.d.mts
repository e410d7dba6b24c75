// Types of headers.mjs for the tests, which are TypeScript.
export const strictPolicy: string;
export const isolationHeaders: Readonly<Record<string, string>>;
export const acceptedHints: string;
export const immutable: string;
export const revalidated: string;
export function headersFor(
  pathname: string,
  options?: { readonly kit?: string; readonly isolate?: boolean; readonly policy?: string | null },
): Record<string, string>;
