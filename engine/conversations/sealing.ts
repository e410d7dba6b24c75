// Seals what is kept: AES-GCM with 256 bits (NIST SP 800-38D), a fresh random initialisation vector of 96 bits for each
// write, the record's name as additional data, so that a part cannot stand in another's place. The key cannot be read out
// by any script; it lies in IndexedDB beside what it seals, and with it goes all that it sealed.
// It keeps conversations from whoever copies the browser's files without running the site, not from a script of the site.
// Called by conversation-store.ts. What does not open is null: damaged, or sealed with another key.

const vectorBytes = 12;
const algorithm = 'AES-GCM';

/** Another format's records do not open here. */
const format = 'llm-elements conversation 1';

export function makeKey(): Promise<CryptoKey> {
  return crypto.subtle.generateKey({ name: algorithm, length: 256 }, false, ['encrypt', 'decrypt']);
}

/** @param name of this part, unique in the store */
export async function seal(key: CryptoKey, name: string, value: unknown): Promise<ArrayBuffer> {
  const iv = crypto.getRandomValues(new Uint8Array(vectorBytes));
  const text = new TextEncoder().encode(JSON.stringify(value));
  const sealed = await crypto.subtle.encrypt({ name: algorithm, iv, additionalData: named(name) }, key, text);
  const whole = new Uint8Array(vectorBytes + sealed.byteLength);
  whole.set(iv);
  whole.set(new Uint8Array(sealed), vectorBytes);
  return whole.buffer;
}

/** @returns what was sealed under this name; null when it is damaged or was sealed with another key */
export async function unseal(key: CryptoKey, name: string, sealed: ArrayBuffer): Promise<unknown> {
  const iv = new Uint8Array(sealed, 0, Math.min(vectorBytes, sealed.byteLength));
  try {
    const text = await crypto.subtle.decrypt(
      { name: algorithm, iv, additionalData: named(name) },
      key,
      new Uint8Array(sealed, iv.byteLength),
    );
    return JSON.parse(new TextDecoder().decode(text)) as unknown;
  } catch {
    return null; // the tag does not fit: the caller tells that as damage
  }
}

const named = (name: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(`${format} ${name}`);
