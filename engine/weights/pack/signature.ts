// Signed manifests: Ed25519 (RFC 8032) over the canonical form of the manifest without its `signature` member, by
// WebCrypto. Called by pack-model.ts, which hands over what JSON.parse gave, and by the packer, which signs. It knows
// nothing of what a manifest says. Format: pack-format.md, "signature".
// What goes wrong: a signature that is wrong refuses the model always; none, or one by a stranger, where the page
// trusts certain keys only; a browser without Ed25519 (before Chrome 137, Firefox 129, Safari 17) cannot check, and
// refuses where keys are pinned.

import * as v from 'valibot';
import { EngineError } from '../../protocol/errors.js';
import { canonicalJson } from './canonical-json.js';

const hex = (bytes: number) => v.pipe(v.string(), v.regex(new RegExp(`^[0-9a-f]{${bytes * 2}}$`)));
const signatureSchema = v.object({ algorithm: v.literal('ed25519'), publicKey: hex(32), value: hex(64) });

export type Signature = v.InferOutput<typeof signatureSchema>;

/** A public key as pages pin it: 64 lower-case hex digits. */
export const isPublicKey = (text: string): boolean => /^[0-9a-f]{64}$/.test(text);

/**
 * @param manifest what JSON.parse gave
 * @param trustedKeys public keys that the page trusts, in hex; empty: any model is taken, signed or not
 * @returns the key that signed it; null when it is not signed, or cannot be checked here and need not be
 * @throws EngineError `model-invalid`
 */
export async function checkSignature(
  manifest: unknown,
  trustedKeys: readonly string[],
  where: string,
): Promise<string | null> {
  const { signature, ...signed } = manifest as { signature?: unknown };
  if (signature === undefined || signature === null) {
    if (trustedKeys.length === 0) return null;
    throw refusal(where, 'it is not signed, and this page takes signed models only');
  }
  const parsed = v.safeParse(signatureSchema, signature);
  if (!parsed.success) throw refusal(where, 'its signature is malformed');
  const { publicKey, value } = parsed.output;
  if (trustedKeys.length > 0 && !trustedKeys.includes(publicKey)) {
    throw refusal(where, `it is signed by the key ${publicKey.slice(0, 16)}…, which this page does not trust`);
  }
  const sound = await verify(publicKey, value, messageOf(signed));
  if (sound === null) {
    if (trustedKeys.length === 0) return null;
    throw new EngineError('model-unsupported', `${where} is signed, and this browser cannot check it (no Ed25519).`, {
      hint: 'Use a current browser.',
    });
  }
  if (!sound) throw refusal(where, 'its signature does not fit its content');
  return publicKey;
}

/** @param privateKey PKCS #8 @returns the signature of a manifest without one */
export async function signManifest(manifest: object, privateKey: CryptoKey, publicKey: string): Promise<Signature> {
  const signed: Record<string, unknown> = { ...manifest };
  delete signed['signature'];
  const value = await crypto.subtle.sign('Ed25519', privateKey, messageOf(signed));
  return { algorithm: 'ed25519', publicKey, value: toHex(new Uint8Array(value)) };
}

const messageOf = (signed: unknown): Uint8Array<ArrayBuffer> => new TextEncoder().encode(canonicalJson(signed));

/** @returns null when this browser has no Ed25519 */
async function verify(publicKey: string, value: string, message: Uint8Array<ArrayBuffer>): Promise<boolean | null> {
  let key: CryptoKey;
  try {
    key = await crypto.subtle.importKey('raw', fromHex(publicKey), 'Ed25519', false, ['verify']);
  } catch (thrown) {
    if (thrown instanceof Error && thrown.name === 'NotSupportedError') return null;
    return false; // no point of the curve
  }
  return crypto.subtle.verify('Ed25519', key, fromHex(value), message);
}

export const toHex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

function fromHex(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16));
}

const refusal = (where: string, what: string): EngineError =>
  new EngineError('model-invalid', `${where} is refused: ${what}.`, {
    hint: 'The pack was changed after it was made, or comes from somebody else. Ask the owner of this site.',
  });
