// The packer's command line: `npm run pack -- --help`. It reads arguments, prints what was done and
// nothing else; input.ts's makers read, write-pack.ts writes. Exit code 0 only when a whole pack was written or
// verified; otherwise 1 with what was wrong and what to do.

import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { EngineError } from '../../engine/protocol/errors.js';
import { openTensorModel } from '../../engine/weights/open-model.js';
import { parseManifest } from '../../engine/weights/pack/manifest.js';
import { createShardReader, fetchVerified } from '../../engine/weights/pack/shard-reader.js';
import { isPublicKey } from '../../engine/weights/pack/signature.js';
import { checkScales } from '../../engine/weights/quantise.js';
import { partLengths } from '../../engine/weights/tensor-layout.js';
import { directoryUrl, fetchFromDirectory } from './file-source.js';
import { openGgufInput } from './gguf-input.js';
import { openHfInput } from './hf-input.js';
import { readSigner, writeNewKey } from './signing.js';
import { writePack, type KindChoice, type PackOptions, type PackReport } from './write-pack.js';

const help = `Makes a pack (engine/weights/pack-format.md) of a model, or checks one.

  npm run pack -- <directory | file.gguf> --out DIR [options]
  npm run pack -- verify DIR [--trust PUBLICKEY]
  npm run pack -- keygen FILE

<directory> as transformers saves it: config.json, model.safetensors (or its index), tokenizer.json,
tokenizer_config.json; generation_config.json and chat_template.jinja are read where they are.

  --out DIR                where the pack goes; shards of an earlier pack there are removed
  --quant KIND             kind of the matrices: q4, q8, f16, f32 or keep (what holds the input without loss)
                           default: q4 for a directory, keep for a GGUF file
  --embedding KIND         kind of the embedding and the output head; default q8 with --quant q4, otherwise as --quant
  --tensor PATTERN=KIND    kind of single tensors, by the names in engine/weights/model.ts: --tensor '*.down=q8';
                           may be repeated, the last match wins. Norms and biases are f32 always; rows that no
                           block of 32 divides become f16 (and are reported)
  --scales search|rule     search (default): the least squared error, and exactly the input where it lies on ggml's
                           grid already; rule: ggml's grid only (q4: the largest magnitude on -8, q8: on 127)
  --name TEXT  --description TEXT  --licence SPDX
  --revision N             of this pack, 1 unless given
  --expires DATE           from then on browsers refuse this release (2027-01-31, or a time in UTC): publish the next
                           one before
  --parent NAME@REVISION   the model it was made from
  --context N              a shorter context than the input states
  --sign FILE              sign the manifest with the Ed25519 key in FILE (PEM, PKCS #8), as keygen makes one
  --trust PUBLICKEY        verify: refuse a pack that this key (64 hex digits) has not signed; may be repeated

keygen writes a new private key to FILE, which must not exist, and prints the public key that pages pin (trusted-keys).
`;

const kinds = ['q4', 'q8', 'f16', 'f32', 'keep'] as const;

function kindOf(text: string, option: string): KindChoice {
  const kind = kinds.find((one) => one === text);
  if (kind === undefined) throw usage(`${option} is "${text}", not one of ${kinds.join(', ')}`);
  return kind;
}

const usage = (what: string): EngineError =>
  new EngineError('invalid-request', `${what}.`, { hint: 'See npm run pack -- --help' });

async function main(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      out: { type: 'string' },
      quant: { type: 'string' },
      embedding: { type: 'string' },
      tensor: { type: 'string', multiple: true },
      scales: { type: 'string' },
      name: { type: 'string' },
      description: { type: 'string' },
      licence: { type: 'string' },
      revision: { type: 'string' },
      parent: { type: 'string' },
      expires: { type: 'string' },
      context: { type: 'string' },
      sign: { type: 'string' },
      trust: { type: 'string', multiple: true },
      help: { type: 'boolean' },
    },
  });
  const [first, second] = positionals;
  if (values.help === true || first === undefined) {
    process.stdout.write(help);
    if (values.help !== true) process.exitCode = 1;
    return;
  }
  if (first === 'verify') {
    if (second === undefined) throw usage('verify needs the directory of a pack');
    await verify(second, (values.trust ?? []).map(publicKeyOf));
    return;
  }
  if (first === 'keygen') {
    if (second === undefined) throw usage('keygen needs the name of a file');
    console.log(await writeNewKey(second));
    return;
  }
  if (values.out === undefined) throw usage('--out is missing');
  const info = statSync(first, { throwIfNoEntry: false });
  if (info === undefined) throw new EngineError('model-not-found', `There is nothing at ${first}.`);

  const quant = kindOf(values.quant ?? (info.isDirectory() ? 'q4' : 'keep'), '--quant');
  const options: PackOptions = {
    out: values.out,
    quant,
    embedding:
      values.embedding === undefined ? (quant === 'q4' ? 'q8' : quant) : kindOf(values.embedding, '--embedding'),
    tensors: (values.tensor ?? []).map((text) => {
      const at = text.lastIndexOf('=');
      if (at < 1) throw usage(`--tensor ${text} is no PATTERN=KIND`);
      return { pattern: text.slice(0, at), kind: kindOf(text.slice(at + 1), '--tensor') };
    }),
    scales: scalesOf(values.scales ?? 'search'),
    ...(values.name === undefined ? {} : { name: values.name }),
    ...(values.description === undefined ? {} : { description: values.description }),
    ...(values.licence === undefined ? {} : { licence: values.licence }),
    ...(values.revision === undefined ? {} : { revision: positive(values.revision, '--revision') }),
    ...(values.expires === undefined ? {} : { expires: instantOf(values.expires) }),
    ...(values.context === undefined ? {} : { contextLength: positive(values.context, '--context') }),
    ...(values.parent === undefined ? {} : { parent: parentOf(values.parent) }),
    // Read before the work, which takes minutes.
    ...(values.sign === undefined ? {} : { signer: await readSigner(values.sign) }),
  };
  const input = await (info.isDirectory() ? openHfInput(first) : openGgufInput(first));
  try {
    printReport(await writePack(input, options), options);
  } finally {
    await input.close();
  }
  await verify(values.out, options.signer === undefined ? [] : [options.signer.publicKey]);
}

function publicKeyOf(text: string): string {
  const key = text.toLowerCase();
  if (!isPublicKey(key)) throw usage(`--trust ${text.slice(0, 80)} is no public key of 64 hex digits`);
  return key;
}

function scalesOf(text: string): PackOptions['scales'] {
  if (text === 'search' || text === 'rule') return text;
  throw usage(`--scales is "${text}", not search or rule`);
}

function positive(text: string, option: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1) throw usage(`${option} is "${text}", not a whole number above 0`);
  return number;
}

/** A day ends with the day. */
function instantOf(text: string): string {
  const full = /^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T23:59:59Z` : text;
  const time = Date.parse(full);
  if (!full.endsWith('Z') || Number.isNaN(time)) throw usage(`--expires is "${text}", no date and no time in UTC`);
  if (time <= Date.now()) throw usage(`--expires is "${text}", which is over`);
  return new Date(time).toISOString();
}

function parentOf(text: string): { name: string; revision: string } {
  const at = text.lastIndexOf('@');
  return at < 1 ? { name: text, revision: '' } : { name: text.slice(0, at), revision: text.slice(at + 1) };
}

function printReport({ manifest, tensors }: PackReport, { out }: PackOptions): void {
  const byKind = new Map<string, { count: number; bytes: number; worst: number }>();
  for (const { kind, byteLength, error } of tensors) {
    const sum = byKind.get(kind) ?? { count: 0, bytes: 0, worst: 0 };
    byKind.set(kind, { count: sum.count + 1, bytes: sum.bytes + byteLength, worst: Math.max(sum.worst, error) });
  }
  console.log(`${out}: ${manifest.name}, ${manifest.quantisation}, ${manifest.licence}`);
  console.log(
    `${manifest.totals.parameters} weights, ${manifest.totals.byteLength} bytes, ${manifest.shards.length} shard(s)`,
  );
  for (const [kind, { count, bytes, worst }] of byKind) {
    const error = worst === 0 ? 'nothing lost' : `largest normalised squared error ${worst.toExponential(2)}`;
    console.log(`  ${kind.padEnd(4)} ${count} tensors, ${bytes} bytes, ${error}`);
  }
  for (const { name, insteadOf } of tensors) {
    if (insteadOf !== undefined)
      console.log(`  ${name} is f16: its rows are no whole blocks of 32, as ${insteadOf} needs`);
  }
  if (manifest.licence === 'unknown') console.log('  The licence is unknown: say it with --licence.');
}

/**
 * Opens the pack as a browser would, then reads every shard and every scale, so that each hash, place and number that a
 * reader checks is checked. Shard by shard: a large model has tensors that are larger than what packing it may take.
 */
async function verify(directory: string, trustedKeys: readonly string[]): Promise<void> {
  const fetch = fetchFromDirectory(directory);
  const model = await openTensorModel({ kind: 'url', url: directoryUrl }, { fetch, trustedKeys });
  model.close();
  const path = join(directory, 'manifest.json');
  const { shards, tensors } = parseManifest(readFileSync(path), path);
  const reader = createShardReader(async (index) => {
    const { sha256: key = '', byteLength = 0 } = shards[index] ?? {};
    const url = `${directoryUrl}${key}.bin`;
    return fetchVerified({ key, byteLength, url }, { fetch }, () => undefined);
  });
  for (const index of shards.keys()) await reader.read({ shard: index, offset: 0 }, 1);
  for (const { name, kind, shape, ...places } of tensors) {
    if (!('scales' in places)) continue;
    const scales = await reader.read(places.scales, partLengths(kind, shape).scales);
    checkScales(new Uint16Array(scales.buffer), name, path);
  }
  const signed = trustedKeys.length > 0 ? ', signed' : '';
  console.log(`${directory}: verified${signed}, ${model.tensors.size} tensors, ${model.identity.id}`);
}

try {
  await main(process.argv.slice(2));
} catch (thrown) {
  const error = thrown instanceof TypeError ? usage(thrown.message) : EngineError.from(thrown);
  console.error(`${error.message}${error.hint === '' ? '' : `\n${error.hint}`}`);
  if (error.code === 'internal' && thrown instanceof Error) console.error(thrown.stack);
  process.exitCode = 1;
}
