// Compares a screenshot with its reference, pixel by pixel, antialiasing aside (pixelmatch). Called by stories.e2e.ts.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import pixelmatch from 'pixelmatch';
import { PNG } from 'pngjs';

const references = join(import.meta.dirname, 'references');
const found = resolve(import.meta.dirname, '../../.cache/screenshots');
/** Share of the pixels that may differ: a caret, a rounded shadow. */
const tolerance = 0.002;

export const updating = process.env['UPDATE_SCREENSHOTS'] !== undefined;

/** @returns what is wrong, null when nothing is */
export function compare(name: string, picture: Buffer): string | null {
  const file = join(references, `${name}.png`);
  if (updating) {
    mkdirSync(references, { recursive: true });
    writeFileSync(file, picture);
    return null;
  }
  if (!existsSync(file)) return `${name}: there is no reference; make it with UPDATE_SCREENSHOTS=1`;
  const wanted = PNG.sync.read(readFileSync(file));
  const got = PNG.sync.read(picture);
  if (wanted.width !== got.width || wanted.height !== got.height) {
    keep(name, picture);
    return `${name}: ${got.width} x ${got.height} pixels, ${wanted.width} x ${wanted.height} wanted`;
  }
  const difference = new PNG({ width: got.width, height: got.height });
  const count = pixelmatch(wanted.data, got.data, difference.data, got.width, got.height, { threshold: 0.15 });
  if (count <= tolerance * got.width * got.height) return null;
  keep(name, picture);
  keep(`${name}.difference`, PNG.sync.write(difference));
  return `${name}: ${count} pixels differ (${((100 * count) / (got.width * got.height)).toFixed(2)} %)`;
}

function keep(name: string, picture: Buffer): void {
  mkdirSync(found, { recursive: true });
  writeFileSync(join(found, `${name}.png`), picture);
}

/** The fonts the references were made with, as `measureFonts` found them. */
export function sameFonts(fonts: unknown): boolean {
  const file = join(references, 'fonts.json');
  if (updating) {
    mkdirSync(references, { recursive: true });
    writeFileSync(file, `${JSON.stringify(fonts)}\n`);
    return true;
  }
  return existsSync(file) && readFileSync(file, 'utf8').trim() === JSON.stringify(fonts);
}
