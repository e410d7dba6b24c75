import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { EngineError } from '../protocol/errors.js';
import { Catalogue, parseCatalogue } from './catalogue.js';

const url = 'https://site.example/kit/models/models.json';
const small = { id: 'default', name: 'Default', url: './default/manifest.json', byteLength: 10 };

const serving = (answer: () => Response | Promise<Response>): Catalogue =>
  new Catalogue(
    () => url,
    async () => answer(),
    () => undefined,
  );

describe('catalogue', () => {
  test('makes URLs absolute against the file', () => {
    assert.equal(parseCatalogue([small], url)[0]?.url, 'https://site.example/kit/models/default/manifest.json');
  });

  test('refuses what is no catalogue, naming the field', () => {
    const bad = [null, {}, [1], [{ ...small, id: '' }], [{ ...small, id: 'cloud' }], [small, small], [{ id: 'x' }]];
    for (const value of bad) assert.throws(() => parseCatalogue(value, url), { code: 'model-invalid' });
    assert.throws(() => parseCatalogue([{ ...small, byteLength: -1 }], url), { message: /byteLength/ });
  });

  test('property: anything at all is a catalogue or the typed error', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        try {
          parseCatalogue(value, url);
        } catch (error) {
          assert.ok(error instanceof EngineError && error.code === 'model-invalid', String(error));
        }
      }),
    );
  });

  test('finds by id and by URL; takes an unlisted URL as it is; says what there is otherwise', async () => {
    const catalogue = serving(() => Response.json([small]));
    assert.equal((await catalogue.find('default')).id, 'default');
    assert.equal((await catalogue.find('https://site.example/kit/models/default/manifest.json')).id, 'default');
    assert.equal((await catalogue.find('https://hub.example/some%20model.gguf')).name, 'some model.gguf');
    await assert.rejects(catalogue.find('nowhere'), { code: 'model-not-found', hint: /default/ });
    await assert.rejects(catalogue.find('javascript:alert(1)'), { code: 'model-not-found' });
  });

  test('tries again after a failure, and never needs the list for a URL', async () => {
    let works = false;
    const catalogue = serving(() => (works ? Response.json([small]) : new Response('', { status: 500 })));
    await assert.rejects(catalogue.find('default'), { code: 'network', message: /500/ });
    assert.equal((await catalogue.find('https://hub.example/a.gguf')).id, 'https://hub.example/a.gguf');
    works = true;
    assert.equal((await catalogue.find('default')).id, 'default');
  });

  test('a connection that breaks in the middle of the list is a network error, and so is an endless list', async () => {
    const breaking = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('[{'));
      },
      pull(controller) {
        controller.error(new TypeError('terminated'));
      },
    });
    await assert.rejects(serving(() => new Response(breaking)).find('default'), {
      code: 'network',
      message: /models\.json/,
    });
    let sent = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 1_000_000;
        controller.enqueue(new Uint8Array(1_000_000).fill(32));
        if (sent > 100_000_000) controller.close();
      },
    });
    await assert.rejects(serving(() => new Response(endless)).find('default'), { code: 'model-invalid' });
    assert.ok(sent < 20_000_000, `${sent} bytes were taken`);
  });

  test('an address that is too long once it is written out is refused here, not by every page', async () => {
    const long = `./${'漢'.repeat(1_500)}/`; // 9 characters each as %XX%XX%XX
    assert.throws(() => parseCatalogue([{ ...small, url: long }], url), { code: 'model-invalid', message: /too long/ });
    const catalogue = serving(() => Response.json([small]));
    await assert.rejects(catalogue.find(new URL(long, url).href), { code: 'model-not-found', message: /longer than/ });
    const fits = new URL(`./${'漢'.repeat(300)}/`, url).href;
    assert.equal((await catalogue.find(fits)).url, fits);
  });

  test('a web page in its place is no catalogue', async () => {
    await assert.rejects(serving(() => new Response('<!doctype html>')).find('default'), { code: 'model-invalid' });
  });
});
