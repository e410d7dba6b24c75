// Types of browser.mjs for the tests, which are TypeScript.
export function findBrowser(): string;
export function browserFlags(gpu?: 'software' | 'real' | 'none'): string[];
