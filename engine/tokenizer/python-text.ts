// Writes a template's value as Python's `str()` would: chat templates were written against Python, and some show
// tools to the model that way. Called by `chat-template.ts` with @huggingface/jinja's runtime values.
// Source: Python's `repr` of None, bool, int, float, str, list, dict. Knows nothing of templates.

/** A runtime value of @huggingface/jinja, as far as it is read here. */
interface RuntimeValue {
  readonly type: string;
  readonly value: unknown;
  toString(): string;
}

/** @returns text as `str(value)`: a string as it is, everything else as its `repr` */
export function pythonText(value: RuntimeValue): string {
  return typeof value.value === 'string' ? value.value : representation(value);
}

function representation(of: RuntimeValue): string {
  const { value } = of;
  if (Array.isArray(value)) return `[${(value as RuntimeValue[]).map(representation).join(', ')}]`;
  if (value instanceof Map) {
    const entries = [...(value as Map<string, RuntimeValue>)];
    return `{${entries.map(([key, entry]) => `${quoted(key)}: ${representation(entry)}`).join(', ')}}`;
  }
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (value === null || value === undefined) return 'None';
  return of.toString();
}

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Single quotes, unless the text has some and no double ones. */
function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const inner = text.replace(/[\\\n\r\t'\p{Cc}]/gu, (character) => {
    if (character === "'") return quote === "'" ? "\\'" : "'";
    return escapes[character] ?? `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
  return quote + inner + quote;
}
