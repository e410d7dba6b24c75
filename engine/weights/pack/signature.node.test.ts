// Signed manifests: RFC 8785's example of the canonical form, RFC 8032's test vectors through WebCrypto, and what a page
// with pinned keys refuses, each attack by its name.

import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { fetchFromDirectory, directoryUrl } from '../../../models/packer/file-source.js';
import { openGgufInput } from '../../../models/packer/gguf-input.js';
import { readSigner, writeNewKey, type Signer } from '../../../models/packer/signing.js';
import { writePack } from '../../../models/packer/write-pack.js';
import { ggufFile } from '../../../test/support/gguf-model.js';
import { MemoryPieces } from '../../../test/support/memory-pieces.js';
import { randomModel } from '../../../test/support/memory-model.js';
import type { Model } from '../model.js';
import { openTensorModel, type OpenModelOptions } from '../open-model.js';
import { localLocks } from '../store/locks.js';
import { ModelStore } from '../store/model-store.js';
import { canonicalJson } from './canonical-json.js';
import { checkSignature } from './signature.js';

let folder = '';
let out = '';
let signer: Signer;
let text = '';

async function packed(
  name: string,
  options: { revision?: number; signer?: Signer; expires?: string },
): Promise<string> {
  const directory = join(folder, name);
  const input = await openGgufInput(join(folder, 'model.gguf'));
  const plain = { quant: 'keep', embedding: 'keep', tensors: [], scales: 'rule' } as const;
  await writePack(input, { out: directory, ...plain, ...options });
  await input.close();
  return directory;
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signature-'));
  const model = randomModel({
    architecture: 'llama',
    layers: 1,
    hiddenSize: 32,
    feedForwardSize: 32,
    heads: 2,
    kvHeads: 1,
    headSize: 16,
    vocabularySize: 8,
    contextLength: 16,
    rmsNormEpsilon: 1e-5,
    ropeTheta: 10_000,
    ropeScaling: { kind: 'none' },
    tiedHead: true,
  });
  await writeFile(join(folder, 'model.gguf'), await ggufFile(model));
  await writeNewKey(join(folder, 'key.pem'));
  signer = await readSigner(join(folder, 'key.pem'));
  out = await packed('signed', { signer, revision: 3 });
  text = await readFile(join(out, 'manifest.json'), 'utf8');
});
after(() => rm(folder, { recursive: true, force: true }));

const open = (directory: string, options: OpenModelOptions = {}): Promise<Model> =>
  openTensorModel({ kind: 'url', url: directoryUrl }, { fetch: fetchFromDirectory(directory), ...options });

/** The signed pack with another manifest. */
async function withManifest(name: string, manifest: string): Promise<string> {
  const directory = await mkdtemp(join(folder, `${name}-`));
  for (const file of await readdir(out)) await writeFile(join(directory, file), await readFile(join(out, file)));
  await writeFile(join(directory, 'manifest.json'), manifest);
  return directory;
}

test("the canonical form is RFC 8785's", () => {
  const input = JSON.parse(
    '{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],' +
      '"string":"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/","literals":[null,true,false]}',
  ) as unknown;
  assert.equal(
    canonicalJson(input),
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
      '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  );
  const sorted = JSON.parse(
    '{"\\u20ac":1,"\\r":2,"\\ufb33":3,"1":4,"\\ud83d\\ude00":5,"\\u0080":6,"\\u00f6":7}',
  ) as unknown;
  assert.equal(canonicalJson(sorted), '{"\\r":2,"1":4,"\u0080":6,"ö":7,"€":1,"😀":5,"\ufb33":3}');
});

test('property: the canonical form does not depend on the order of members, and says the same', () => {
  const shuffled = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(shuffled);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .reverse()
        .map(([key, inner]) => [key, shuffled(inner)]),
    );
  };
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const plain: unknown = JSON.parse(JSON.stringify(value));
      assert.equal(canonicalJson(shuffled(plain)), canonicalJson(plain));
      assert.deepEqual(JSON.parse(canonicalJson(plain)), plain);
    }),
  );
});

test('a signed pack opens with its key pinned, among others, and with none', async () => {
  await open(out, { trustedKeys: [signer.publicKey] });
  await open(out, { trustedKeys: ['a'.repeat(64), signer.publicKey] });
  await open(out);
});

test('with keys pinned: no signature, a stranger’s, and a changed manifest are refused', async () => {
  const trustedKeys = [signer.publicKey];
  const unsigned = await packed('unsigned', { revision: 3 });
  await assert.rejects(open(unsigned, { trustedKeys }), { code: 'model-invalid', message: /not signed/ });
  await open(unsigned);
  await writeNewKey(join(folder, 'other.pem'));
  const stranger = await packed('stranger', { signer: await readSigner(join(folder, 'other.pem')) });
  await assert.rejects(open(stranger, { trustedKeys }), { code: 'model-invalid', message: /does not trust/ });
  await open(stranger);
});

test('a signature that does not fit is refused, keys pinned or not', async () => {
  const manifest = JSON.parse(text) as Record<string, unknown> & { signature: { value: string; publicKey: string } };
  const { signature } = manifest;
  const last = signature.value.at(-1) === '0' ? '1' : '0';
  const forged: Record<string, unknown>[] = [
    { ...manifest, revision: 4 },
    { ...manifest, licence: 'MIT' },
    { ...manifest, extra: true },
    { ...manifest, signature: { ...signature, value: signature.value.slice(0, -1) + last } },
    { ...manifest, signature: { ...signature, publicKey: '0'.repeat(64) } },
    { ...manifest, signature: { ...signature, algorithm: 'none' } },
    { ...manifest, signature: {} },
    { ...manifest, signature: 'trust me' },
  ];
  for (const each of forged) {
    const directory = await withManifest('forged', JSON.stringify(each));
    for (const trustedKeys of [[], [signer.publicKey]]) {
      await assert.rejects(
        open(directory, { trustedKeys }),
        { code: 'model-invalid' },
        JSON.stringify(each).slice(-200),
      );
    }
  }
});

test('the order of members and white space do not matter to the signature', async () => {
  const turned = Object.fromEntries(Object.entries(JSON.parse(text) as object).reverse());
  await open(await withManifest('turned', JSON.stringify(turned, null, 4)), { trustedKeys: [signer.publicKey] });
});

test("RFC 8032's test 2 through the very same check: a signature over other bytes is none over these", async () => {
  // Key and signature of section 7.1, TEST 2, whose message is the byte 0x72, and not a manifest.
  const publicKey = '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c';
  const value =
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00';
  const key = await crypto.subtle.importKey('raw', Buffer.from(publicKey, 'hex'), 'Ed25519', false, ['verify']);
  assert.equal(await crypto.subtle.verify('Ed25519', key, Buffer.from(value, 'hex'), Buffer.from('72', 'hex')), true);
  const manifest = { revision: 1, signature: { algorithm: 'ed25519', publicKey, value } };
  await assert.rejects(checkSignature(manifest, [publicKey], 'x'), { code: 'model-invalid' });
});

test('rollback: an older revision is refused, also after the newer one was deleted, and in another life', async () => {
  const records = new Map<string, Uint8Array<ArrayBuffer>>();
  const store = () => ModelStore.open({ pieces: new MemoryPieces(records), locks: localLocks(), now: () => 1 });
  const trustedKeys = [signer.publicKey];
  const older = await packed('older', { signer, revision: 2 });
  const first = await store();
  (await open(older, { store: first, trustedKeys })).close();
  (await open(out, { store: first, trustedKeys })).close();
  await assert.rejects(open(older, { store: first, trustedKeys }), {
    code: 'model-invalid',
    message: /revision 2.*revision 3/,
  });
  await first.delete(`${directoryUrl}manifest.json`);
  await assert.rejects(open(older, { store: await store(), trustedKeys }), { code: 'model-invalid' });
  await open(out, { store: await store(), trustedKeys });
});

test('a model says who signed it, so that each page can hold it to its own keys', async () => {
  assert.equal((await open(out)).identity.signedBy, signer.publicKey);
  assert.equal((await open(await packed('nobody', {}))).identity.signedBy, undefined);
});

test('a release that has expired is refused, also the one that is stored; one that will is not', async () => {
  const records = new Map<string, Uint8Array<ArrayBuffer>>();
  const store = () => ModelStore.open({ pieces: new MemoryPieces(records), locks: localLocks(), now: () => 1 });
  const inAnHour = new Date(Date.now() + 3_600_000).toISOString();
  const fresh = await packed('fresh', { signer, revision: 5, expires: inAnHour });
  (await open(fresh, { store: await store() })).close();
  const stale = await packed('stale', { signer, revision: 6, expires: new Date(Date.now() - 1_000).toISOString() });
  const expired = { code: 'model-invalid', message: /was good until/ };
  await assert.rejects(open(stale, { store: await store() }), expired);
  // The clock goes on while the network is away.
  const now = Date.now;
  Date.now = () => now() + 2 * 3_600_000;
  try {
    const offline = () => Promise.reject(new TypeError('offline'));
    await assert.rejects(open(fresh, { store: await store(), fetch: offline }), expired);
  } finally {
    Date.now = now;
  }
  // Its signature covers the time: taking it away breaks that.
  const without = JSON.parse(await readFile(join(stale, 'manifest.json'), 'utf8')) as Record<string, unknown>;
  delete without['expires'];
  await assert.rejects(open(await withManifest('without', JSON.stringify(without))), { message: /does not fit/ });
});

test('a stored pack goes on where its address answers a login page, nothing, or another thing', async () => {
  const records = new Map<string, Uint8Array<ArrayBuffer>>();
  const store = () => ModelStore.open({ pieces: new MemoryPieces(records), locks: localLocks(), now: () => 1 });
  const model = await open(out, { store: await store() });
  await model.downloaded?.();
  model.close();
  const answers: [string, () => Response, RegExp][] = [
    ['a page', () => new Response('<!doctype html><title>Sign in</title>'), /web page/],
    ['nothing', () => new Response('gone', { status: 404 }), /nothing at/],
    ['other JSON', () => Response.json({ error: 'sign in first' }), /no manifest/],
    ['half a manifest', () => new Response(text.slice(0, 300)), /no JSON/],
  ];
  for (const [title, answer, note] of answers) {
    const notes: string[] = [];
    const options = { fetch: async () => answer(), onNote: (said: string) => notes.push(said) };
    const kept = await open(out, { ...options, store: await store(), trustedKeys: [signer.publicKey] });
    for (const name of kept.tensors.keys()) await kept.readTensor(name);
    kept.close();
    assert.match(notes.join(), note, title);
    // Without a stored copy each is refused.
    await assert.rejects(open(out, options), (error: { code?: string }) =>
      ['model-invalid', 'model-not-found'].includes(error.code ?? ''),
    );
  }
  // A manifest that is there and wrong was meant: it is refused, stored copy or not.
  const wrong = { ...(JSON.parse(text) as object), licence: 'MIT' };
  await assert.rejects(open(out, { store: await store(), fetch: async () => Response.json(wrong) }), {
    message: /does not fit/,
  });
});

test('without a store a note says that nothing is kept', async () => {
  const notes: string[] = [];
  (await open(out, { store: null, onNote: (note) => notes.push(note) })).close();
  assert.match(notes.join(), /keeps nothing/);
});
