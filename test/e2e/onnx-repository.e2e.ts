// A repository as transformers.js reads them, on a server of its own kind, answers a page through ONNX Runtime; the second
// visit asks for none of its files, and needs no server at all.

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { writeRepository } from '../../bench/lab/transformers-repo.js';
import { openTensorModel } from '../../engine/weights/open-model.js';
import { directoryUrl, fetchFromDirectory } from '../../models/packer/file-source.js';
import { answer, clientPage, until, withKit } from './support.js';

const question = 'Write a story about a brave mouse';
const packFolder = join(import.meta.dirname, '../../models/default/pack');

test('an ONNX repository answers a page, is listed as kept, and answers offline', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'onnx-repository-'));
  const model = await openTensorModel({ kind: 'url', url: directoryUrl }, { fetch: fetchFromDirectory(packFolder) });
  await writeRepository(model, folder, 1024);
  model.close();
  let asked: string[] = [];
  let gone = false;
  const handle = (request: IncomingMessage, response: ServerResponse): boolean => {
    const url = request.url ?? '';
    if (!url.startsWith('/hub/')) return false;
    asked.push(`${request.headers.range ?? 'all'} ${url}`);
    if (gone) response.destroy();
    return gone;
  };
  try {
    await withKit({ handle, mounts: { '/hub/': folder } }, async (kit) => {
      const model = `${kit.origin}/hub/?dtype=q4`;
      let page = await clientPage(kit);
      // The same weights through our own decoder; the first words must agree, greedy as both are.
      const own = await answer(page, question, { max_tokens: 12 });
      const first = await answer(page, question, { max_tokens: 12, model });
      assert.equal(first, own);
      const state = await until(page, ({ status }) => status.kind === 'ready', 'it is ready');
      assert.ok(state.status.kind === 'ready');
      assert.equal(state.status.model.decoder, 'onnx');
      assert.ok(asked.some((line) => line.includes('model_q4.onnx_data')));
      const kept = await page.evaluate(async (source) => {
        for (let i = 0; i < 1200; i++) {
          const { models } = await window.engine.models.storage();
          const found = models.find((listed) => listed.source === source);
          if (found !== undefined && found.storedBytes >= found.byteLength) return found;
          await new Promise((done) => setTimeout(done, 50));
        }
        return null;
      }, model);
      assert.equal(kept?.quantisation, 'ONNX q4');
      await page.close();
      await kit.endEngine();

      asked = [];
      page = await clientPage(kit);
      assert.equal(await answer(page, question, { max_tokens: 12, model }), first);
      assert.ok(
        asked.length > 0 && asked.every((line) => line.startsWith('bytes=0-3 ')),
        `only whether it changed was asked: ${asked.join(', ')}`,
      );
      await page.close();
      await kit.endEngine();

      gone = true;
      page = await clientPage(kit);
      assert.equal(await answer(page, question, { max_tokens: 12, model }), first);
      await page.evaluate((source) => window.engine.models.delete(source), model);
      const left = await page.evaluate(async () => (await window.engine.models.storage()).models.length);
      assert.equal(left, 1, 'the default model is left');
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
