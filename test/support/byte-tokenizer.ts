// A small sound tokenizer that needs no files: one token a byte, some control tokens, `<tool_call>` as plain text.
// Ids: 0-255 bytes, then `control`, then `text` in order. For tests of everything above the tokenizer.

import type { TokenizerFiles } from '../../engine/weights/model.js';

/** GPT-2's letter for each byte (openai/gpt-2, encoder.py, `bytes_to_unicode`). */
const letters = ((): string[] => {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
    return String.fromCharCode(printable ? byte : next++);
  });
})();

export const byteTokens = {
  control: ['<|endoftext|>', '<|system|>', '<|user|>', '<|assistant|>', '<|tool|>', '<|end|>'],
  text: ['<tool_call>', '</tool_call>'],
} as const;

/** Roles as control tokens, the tools as JSON behind the system role: the form of our own model. */
export const byteTemplate =
  "{% if tools %}<|system|>{{ tools | tojson }}<|end|>{% endif %}{% for m in messages %}{{ '<|' + m.role + '|>' }}" +
  "{{ m.content if m.content is not none else '' }}{% for c in m.tool_calls or [] %}<tool_call>{{ c.function | tojson }}" +
  '</tool_call>{% endfor %}<|end|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}';

/** @param template the chat template; null for a base model without one */
export function byteTokenizerFiles(template: string | null = byteTemplate): TokenizerFiles {
  const added = [...byteTokens.control, ...byteTokens.text].map((content, i) => ({
    id: 256 + i,
    content,
    special: (byteTokens.control as readonly string[]).includes(content),
    normalized: false,
  }));
  return {
    kind: 'tokenizer-json',
    tokenizer: {
      added_tokens: added,
      normalizer: null,
      pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, use_regex: true },
      post_processor: null,
      decoder: { type: 'ByteLevel' },
      model: { type: 'BPE', vocab: Object.fromEntries(letters.map((letter, byte) => [letter, byte])), merges: [] },
    },
    config: {
      bos_token: '<|endoftext|>',
      eos_token: '<|endoftext|>',
      ...(template === null ? {} : { chat_template: template }),
    },
  };
}
