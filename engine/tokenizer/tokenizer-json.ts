// Reads transformers' tokenizer.json and tokenizer_config.json, checks every part that text will pass through, and
// says what the tokenizer needs to know: the object to hand to @huggingface/tokenizers, the pieces by id, the special
// tokens, the chat templates. Called by `create-tokenizer.ts`, also for GGUF (`gguf-tokenizer.ts` makes the same form).
// Source: the `tokenizers` crate's serialised form; transformers `PreTrainedTokenizerBase` for the config.
// Knows nothing of text. What is missing or ill-typed is `model-invalid`; a sound part of a kind whose text we could
// not give back (WordPiece, Unigram, CTC...) is `model-unsupported` by name.

import { EngineError } from '../protocol/errors.js';
import { asPreTokenizer, gpt2Words } from './pre-tokenizers.js';
import type { TokenAlphabet } from './token-table.js';

type Json = Readonly<Record<string, unknown>>;

/** A tokenizer in transformers' form, with what that form cannot say. */
export interface TokenizerJsonParts {
  readonly tokenizer: unknown;
  readonly config: unknown;
  /** Ids of the table where it is larger than what the vocabulary names (GGUF's padding). */
  readonly vocabularySize?: number;
  /** Put BOS before a text; undefined leaves it to the post-processor. */
  readonly addBos?: boolean;
}

export interface TokenizerDescription {
  /** For the library: like the file, with parts rewritten that the library treats otherwise than the crate. */
  readonly tokenizer: Json;
  /** `tokenizer.model`. */
  readonly model: Json;
  readonly alphabet: TokenAlphabet;
  readonly stripLeadingSpace: boolean;
  readonly pieces: ReadonlyMap<number, string>;
  readonly added: ReadonlyMap<number, string>;
  readonly control: ReadonlySet<number>;
  readonly vocabularySize: number;
  readonly endIds: ReadonlySet<number>;
  readonly bosToken: string;
  readonly eosToken: string;
  /** Id to put before a text where the post-processor has not. */
  readonly bosId: number | null;
  readonly templates: ReadonlyMap<string, string>;
}

/** A vocabulary larger than this is damage, not ambition: the largest published ones have some 262 000. */
const maximumVocabulary = 4_000_000;

/** Control tokens that end an answer or a turn in the models we know, whatever a file calls its end of sequence. */
const endNames = [
  '<|im_end|>',
  '<|eot_id|>',
  '<|eom_id|>',
  '<|end|>',
  '<|end_of_text|>',
  '<|endoftext|>',
  '<end_of_turn>',
];

export function readTokenizerJson(parts: TokenizerJsonParts): TokenizerDescription {
  const file = object(parts.tokenizer, 'tokenizer.json');
  const config = object(parts.config ?? {}, 'tokenizer_config.json');
  const model = object(file['model'], 'tokenizer.json: model');
  const type = model['type'] ?? 'BPE';
  if (type !== 'BPE') throw unsupported(`a model of type ${JSON.stringify(type)}`);
  if (!Array.isArray(model['merges'])) throw invalid('tokenizer.json: model.merges is no list');
  const byId = new Map<number, string>();
  const pieces = new Map<number, string>();
  const vocabulary = object(model['vocab'], 'tokenizer.json: model.vocab');
  let size = parts.vocabularySize ?? 0;
  // Hundreds of thousands of them: nothing is made for each but its entry.
  for (const piece of Object.keys(vocabulary)) {
    const id = checkedId(vocabulary[piece], piece);
    pieces.set(id, piece);
    if (id >= size) size = id + 1;
  }
  const addedTokens = readAddedTokens(file, config);
  const control = new Set<number>();
  for (const token of addedTokens) {
    byId.set(token.id, token.content);
    if (token.special) control.add(token.id);
  }
  const idOfAdded = new Map([...byId].map(([id, content]) => [content, id]));
  const idOf = (text: string): number | undefined =>
    idOfAdded.get(text) ?? (Object.hasOwn(vocabulary, text) ? (vocabulary[text] as number) : undefined);

  const bosToken = tokenText(config['bos_token']);
  const eosToken = tokenText(config['eos_token']);
  const bos = idOf(bosToken);
  const decoding = readDecoder(file['decoder']);
  for (const id of byId.keys()) size = Math.max(size, id + 1);
  const typed = { ...model, type };
  return {
    model: typed,
    tokenizer: {
      ...file,
      model: typed,
      added_tokens: addedTokens,
      normalizer: file['normalizer'] ?? null,
      pre_tokenizer: cutAtWords(rewritePreTokenizer(file['pre_tokenizer'] ?? null), decoding.alphabet, pieces),
      post_processor: file['post_processor'] ?? null,
    },
    ...decoding,
    pieces,
    added: byId,
    control,
    vocabularySize: size,
    endIds: readEndIds(config, eosToken, idOf, control),
    bosToken,
    eosToken,
    bosId: (parts.addBos ?? config['add_bos_token']) === true && bos !== undefined ? bos : null,
    templates: readTemplates(config['chat_template']),
  };
}

interface AddedToken extends Json {
  readonly id: number;
  readonly content: string;
  readonly special: boolean;
}

/** Added tokens of both files; transformers lets the config add what tokenizer.json lacks. */
function readAddedTokens(file: Json, config: Json): AddedToken[] {
  const listed = file['added_tokens'] ?? [];
  if (!Array.isArray(listed)) throw invalid('tokenizer.json: added_tokens is no list');
  const tokens = new Map<number, AddedToken>();
  const add = (value: unknown, id: unknown): void => {
    const token = object(value, 'an added token');
    const content = token['content'];
    if (typeof content !== 'string' || content === '') throw invalid('an added token has no content');
    const checked = checkedId(id, content);
    if (!tokens.has(checked))
      tokens.set(checked, { ...token, id: checked, content, special: token['special'] === true });
  };
  for (const token of listed as unknown[]) add(token, object(token, 'an added token')['id']);
  for (const [id, token] of Object.entries(object(config['added_tokens_decoder'] ?? {}, 'added_tokens_decoder'))) {
    add(token, Number(id));
  }
  return [...tokens.values()];
}

function readDecoder(value: unknown): { alphabet: TokenAlphabet; stripLeadingSpace: boolean } {
  const decoder = object(value, 'tokenizer.json: decoder');
  const steps: Json[] =
    decoder['type'] === 'Sequence' && Array.isArray(decoder['decoders'])
      ? decoder['decoders'].map((step) => object(step, 'tokenizer.json: decoder'))
      : [decoder];
  const known = new Set<unknown>(['ByteLevel', 'Metaspace', 'Replace', 'ByteFallback', 'Fuse', 'Strip']);
  const unknown = steps.find((step) => !known.has(step['type']));
  if (unknown !== undefined) throw unsupported(`a decoder of type ${JSON.stringify(unknown['type'])}`);
  if (steps.some((step) => step['type'] === 'ByteLevel')) return { alphabet: 'byte-level', stripLeadingSpace: false };
  const stripLeadingSpace = steps.some(
    (step) =>
      (step['type'] === 'Strip' && step['content'] === ' ' && Number(step['start']) > 0) ||
      (step['type'] === 'Metaspace' && step['prepend_scheme'] !== 'never' && step['add_prefix_space'] !== false),
  );
  return { alphabet: 'sentencepiece', stripLeadingSpace };
}

/**
 * Two parts mean less in JavaScript than in the crate and are written as equal splits: `Digits` knows ASCII digits
 * only, and `ByteLevel`'s own word rule uses JavaScript's `\s`, which differs in U+0085 and U+FEFF.
 */
function rewritePreTokenizer(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value;
  const part = value as Json;
  switch (part['type']) {
    case 'Sequence': {
      const inner = part['pretokenizers'];
      return { ...part, pretokenizers: Array.isArray(inner) ? inner.map(rewritePreTokenizer) : [] };
    }
    case 'Digits': {
      const pattern = part['individual_digits'] === true ? String.raw`\p{N}` : String.raw`\p{N}+`;
      return { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false };
    }
    case 'ByteLevel':
      if (part['use_regex'] === false || part['add_prefix_space'] === true) return part;
      return asPreTokenizer([gpt2Words]);
    default:
      return part;
  }
}

/**
 * SentencePiece merges over the whole text at once, which takes ten times as long as word by word. Where no piece has
 * a space after another character, no merge crosses that place, and cutting there changes nothing but the time.
 */
function cutAtWords(preTokenizer: unknown, alphabet: TokenAlphabet, pieces: ReadonlyMap<number, string>): unknown {
  if (preTokenizer !== null || alphabet !== 'sentencepiece') return preTokenizer;
  for (const piece of pieces.values()) if (/[^\u2581]\u2581/.test(piece)) return null;
  return { type: 'Split', pattern: { Regex: '\u2581+[^\u2581]*|[^\u2581]+' }, behavior: 'Isolated', invert: false };
}

/** The end of sequence by text and by id (one or a list, as generation_config.json has it), and the usual end of turn. */
function readEndIds(
  config: Json,
  eosToken: string,
  idOf: (text: string) => number | undefined,
  control: ReadonlySet<number>,
): ReadonlySet<number> {
  const ends = new Set<number>();
  const eos = idOf(eosToken);
  if (eos !== undefined) ends.add(eos);
  const generation = config['generation_config'];
  const lists = [config['eos_token_id'], isObject(generation) ? generation['eos_token_id'] : undefined];
  for (const id of lists.flat()) if (typeof id === 'number' && Number.isInteger(id)) ends.add(id);
  for (const name of endNames) {
    const id = idOf(name);
    if (id !== undefined && control.has(id)) ends.add(id);
  }
  return ends;
}

function readTemplates(value: unknown): ReadonlyMap<string, string> {
  if (value === undefined || value === null) return new Map();
  if (typeof value === 'string') return new Map([['default', value]]);
  if (!Array.isArray(value)) throw invalid('chat_template is neither text nor a list');
  return new Map(
    value.map((entry): [string, string] => {
      const { name, template } = object(entry, 'chat_template');
      if (typeof name !== 'string' || typeof template !== 'string') throw invalid('chat_template has an unnamed entry');
      return [name, template];
    }),
  );
}

/** bos_token and its like: text, or an added token with its text in `content`. */
function tokenText(value: unknown): string {
  if (typeof value === 'string') return value;
  return isObject(value) && typeof value['content'] === 'string' ? value['content'] : '';
}

function checkedId(id: unknown, what: string): number {
  if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id >= maximumVocabulary) {
    throw invalid(`the id of ${JSON.stringify(what)} is ${String(id)}`);
  }
  return id;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function object(value: unknown, what: string): Json {
  if (!isObject(value)) throw invalid(`${what} is missing or no object`);
  return value;
}

function invalid(what: string): EngineError {
  return new EngineError('model-invalid', `The model's tokenizer is damaged: ${what}.`, {
    hint: 'Download the model again; if it stays so, tell its publisher.',
  });
}

function unsupported(what: string): EngineError {
  return new EngineError('model-unsupported', `This model's tokenizer has ${what}.`, {
    hint: 'Byte-level BPE and SentencePiece BPE can be read. Choose another model.',
  });
}
