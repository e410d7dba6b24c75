// The translations beside English: every text says something, keeps the names and sizes it was given, and takes any count.
// That none is missing is TypeScript's to say (catalogue.ts).

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inLanguageOf, loadLanguage, tagOf } from '../texts.js';
import { catalogue as ar } from './ar.js';
import { catalogue as de } from './de.js';
import { catalogue as es } from './es.js';
import { catalogue as ja } from './ja.js';
import { catalogue as zh } from './zh.js';

const languages = { ar, de, es, ja, zh };

/** A place of a page in this language, as far as texts.ts looks at one. */
const placeIn = (lang: string): Element =>
  ({ closest: () => ({ getAttribute: () => lang }), getRootNode: () => null }) as unknown as Element;

function* textsOf(texts: object, path = ''): Generator<readonly [string, string | ((...values: unknown[]) => string)]> {
  for (const [key, text] of Object.entries(texts)) {
    const place = path === '' ? key : `${path}.${key}`;
    if (typeof text === 'object' && text !== null) yield* textsOf(text as object, place);
    else yield [place, text as string];
  }
}

/** What a function gets: names where it takes names, else a count. Which it is shows in what it does with them. */
const counts = [0, 1, 2, 3, 11, 100, 12_345];

describe('translations', () => {
  for (const [lang, catalogue] of Object.entries(languages)) {
    it(`${lang}: every text says something, with any count`, async () => {
      await loadLanguage(lang);
      const place = placeIn(lang);
      assert.equal(tagOf(place), lang);
      inLanguageOf(place, () => {
        for (const [path, text] of textsOf(catalogue)) {
          if (typeof text === 'string') {
            assert.notEqual(text.trim(), '', path);
            continue;
          }
          for (const count of counts) {
            const said = text(count, count + 1, count, count, count);
            assert.ok(said.trim() !== '' && !/undefined|NaN|\[object/.test(said), `${path}(${String(count)}): ${said}`);
          }
        }
      });
    });
  }

  it('keep the names they are given', async () => {
    await Promise.all(Object.keys(languages).map((lang) => loadLanguage(lang)));
    for (const [lang, catalogue] of Object.entries(languages)) {
      inLanguageOf(placeIn(lang), () => {
        assert.match(catalogue.privacy.leavingDetail('cloud.example'), /cloud\.example/);
        assert.match(catalogue.picker.confirm.title('Model 7'), /Model 7/);
        assert.match(catalogue.history.question('My talk'), /My talk/);
        assert.match(catalogue.status.downloading('Model 7', 5, 10), /Model 7/);
        assert.match(catalogue.attach.refused.noText('a.bin'), /a\.bin/);
      });
    }
  });

  it('count as the language does: Arabic in six forms', async () => {
    await loadLanguage('ar');
    const said = inLanguageOf(placeIn('ar'), () => [0, 1, 2, 3, 11, 100].map((count) => ar.picker.found(count)));
    assert.equal(new Set(said).size, 6);
    assert.equal(
      inLanguageOf(placeIn('de'), () => de.picker.found(1)),
      '1 Modell',
    );
  });
});
