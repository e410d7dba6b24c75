// Node's side of shared.ts: where ../shared is, or a loud skip.

import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

const folder = resolve(import.meta.dirname, '../../../shared');

/** Whether ../shared is there. */
export const hasShared = existsSync(join(folder, 'data'));

/** For `test(name, { skip: skipWithoutShared }, ...)`: false, or the reason, which the reporter prints. */
export const skipWithoutShared: string | false = hasShared
  ? false
  : 'SKIPPED: ../shared is absent, so nothing was tested against its models and vectors';

/** @param path relative to ../shared */
export const sharedPath = (path: string): string => join(folder, path);
