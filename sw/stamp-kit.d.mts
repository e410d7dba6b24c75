// Types of stamp-kit.mjs for the tests, which are TypeScript.
export function engineBuild(folder: string): Promise<string>;
export function stampKit(folder: string): Promise<string>;
