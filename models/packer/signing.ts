// Keys that sign manifests: Ed25519 in PEM files (PKCS #8, RFC 8410), as OpenSSL writes them, too. Called by pack.ts.
// What is signed, and how, is in engine/weights/pack/signature.ts. A private key is read and never printed.
// What goes wrong: a file that holds no such key is `invalid-request`.

import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { EngineError } from '../../engine/protocol/errors.js';
import { signManifest, type Signature } from '../../engine/weights/pack/signature.js';

export interface Signer {
  /** 64 hex digits. */
  readonly publicKey: string;
  sign(manifest: object): Promise<Signature>;
}

/** @throws EngineError `invalid-request` */
export async function readSigner(path: string): Promise<Signer> {
  let key: KeyObject;
  try {
    key = createPrivateKey(await readFile(path));
  } catch (thrown) {
    throw noKey(path, thrown);
  }
  if (key.asymmetricKeyType !== 'ed25519') throw noKey(path);
  const pkcs8 = key.export({ type: 'pkcs8', format: 'der' });
  const imported = await crypto.subtle.importKey('pkcs8', Uint8Array.from(pkcs8), 'Ed25519', false, ['sign']);
  const publicKey = publicKeyOf(key);
  return { publicKey, sign: (manifest) => signManifest(manifest, imported, publicKey) };
}

/** Makes a key in a new file that only its owner may read. @returns the public key, 64 hex digits */
export async function writeNewKey(path: string): Promise<string> {
  const { privateKey } = generateKeyPairSync('ed25519');
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
  try {
    await writeFile(path, pem, { flag: 'wx', mode: 0o600 });
  } catch (thrown) {
    throw new EngineError('invalid-request', `${path} cannot be written, or is there already.`, {
      hint: 'Name a file that does not exist: keys are never overwritten.',
      cause: thrown,
    });
  }
  return publicKeyOf(privateKey);
}

/** The last 32 bytes of the SPKI form are the key itself (RFC 8410, section 4). */
const publicKeyOf = (key: KeyObject): string =>
  createPublicKey(key).export({ type: 'spki', format: 'der' }).subarray(-32).toString('hex');

const noKey = (path: string, cause?: unknown): EngineError =>
  new EngineError('invalid-request', `${path} holds no Ed25519 private key.`, {
    hint: 'Make one with npm run pack -- keygen FILE, or openssl genpkey -algorithm ed25519.',
    cause,
  });
