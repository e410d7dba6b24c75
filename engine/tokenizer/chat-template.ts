// Renders a conversation by the model's own chat template, a Jinja program that came with untrusted model files.
// Called by the tokenizer's `renderChat`. The interpreter is @huggingface/jinja; this file gives it the globals that
// transformers gives (`raise_exception`, `strftime_now`, `range`, bos/eos strings, `tools` and `documents` that are
// none when absent; blocks trimmed as there) and bounds it: steps, length of any string, length of ranges. It cannot
// reach anything outside its arguments. Source: transformers `utils/chat_template_utils.py`; Jinja 3.1.
// Knows nothing of ids. A template that does not parse is `model-invalid`; one that refuses or fails on a
// conversation is `invalid-request` in its own words.

import { Environment, Interpreter, parse, tokenize } from '@huggingface/jinja';
import { EngineError } from '../protocol/errors.js';
import { pythonText } from './python-text.js';
import { strftime } from './strftime.js';
import type { RenderOptions, TemplateMessage } from './tokenizer.js';

/** Nodes of the template's tree evaluated in one rendering; ten thousand messages need about a million. */
const maximumSteps = 2_000_000;
/** Of one rendering; published templates take milliseconds. A slow device may meet this before the steps. */
const maximumMilliseconds = 3_000;
/** UTF-16 units of any string that a template makes, the result included. */
const maximumLength = 32_000_000;
const maximumRange = 10_000;

type Statement = Parameters<Interpreter['evaluate']>[0];
type Value = ReturnType<Interpreter['evaluate']>;

class TooMuch extends Error {}

/**
 * The library's interpreter with bounds, and with two of its differences from Jinja mended: a loop over tuples can
 * take them apart, and the filter `string` writes lists and mappings as Python does (SmolLM3's tools are shown so).
 */
class BoundedInterpreter extends Interpreter {
  private steps = 0;
  private readonly began = performance.now();

  override evaluate(statement: Statement, environment: Environment): Value {
    this.steps += 1;
    if (this.steps > maximumSteps) throw new TooMuch(`it took more than ${maximumSteps} steps`);
    if (this.steps % 256 === 0 && performance.now() - this.began > maximumMilliseconds) {
      throw new TooMuch(`it took more than ${maximumMilliseconds / 1000} seconds`);
    }
    const value = this.mended(statement, environment) ?? super.evaluate(statement, environment);
    if (typeof value.value === 'string' && value.value.length > maximumLength) {
      throw new TooMuch(`it wrote more than ${maximumLength} characters`);
    }
    return value;
  }

  private mended(statement: Statement, environment: Environment): Value | null {
    if (statement?.type === 'TupleLiteral') {
      return super.evaluate({ ...statement, type: 'ArrayLiteral' }, environment);
    }
    if (statement?.type === 'FilterExpression') {
      const { operand, filter } = statement as unknown as { operand: Statement; filter: { value?: unknown } };
      if (filter.value !== 'string') return null;
      const value = this.evaluate(operand, environment);
      return this.stringOf(value.value === undefined ? '' : pythonText(value));
    }
    return null;
  }

  /** A runtime string; the library exports no constructor, but an environment makes one of any JavaScript value. */
  private stringOf(text: string): Value {
    return new Environment().set('text', text);
  }
}

export interface ChatTemplateOptions {
  /** `chat_template` of tokenizer_config.json or GGUF: one template, or named ones. */
  readonly templates: ReadonlyMap<string, string>;
  /** '' when the model has none. */
  readonly bosToken: string;
  readonly eosToken: string;
  /** The clock of `strftime_now`. */
  readonly now?: () => Date;
}

export class ChatTemplate {
  private readonly programs = new Map<string, ReturnType<typeof parse>>();

  /** @throws EngineError `model-invalid` when a template is no Jinja */
  constructor(private readonly options: ChatTemplateOptions) {
    for (const [name, source] of options.templates) {
      try {
        this.programs.set(name, parse(tokenize(source, { lstrip_blocks: true, trim_blocks: true })));
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        throw new EngineError('model-invalid', `The model's chat template "${name}" cannot be read: ${why}`, {
          cause: error,
          hint: 'Use another file of this model, or tell its publisher.',
        });
      }
    }
  }

  /**
   * The `tool_use` template serves requests with tools where there is one, `default` the others (as transformers).
   * @throws EngineError `invalid-request`
   */
  render(messages: readonly TemplateMessage[], options: RenderOptions): string {
    const wantsTools = options.tools !== undefined && options.tools.length > 0;
    const program =
      (wantsTools ? this.programs.get('tool_use') : undefined) ??
      this.programs.get('default') ??
      this.programs.values().next().value;
    if (program === undefined) throw new EngineError('internal', 'The chat template is empty.');
    try {
      const interpreter = new BoundedInterpreter(this.globals(messages, options, wantsTools));
      return String(interpreter.run(program).value);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new EngineError('invalid-request', `The model's chat template refuses this conversation: ${why}`, {
        cause: error,
        hint:
          error instanceof TooMuch
            ? 'Use another file of this model, or a shorter conversation.'
            : 'Change the messages as it says: some models take no system message, or want roles to alternate.',
      });
    }
  }

  private globals(messages: readonly TemplateMessage[], options: RenderOptions, wantsTools: boolean): Environment {
    const environment = new Environment();
    const now = this.options.now ?? ((): Date => new Date());
    const variables: Record<string, unknown> = {
      true: true,
      True: true,
      false: false,
      False: false,
      none: null,
      None: null,
      raise_exception: (message: unknown) => {
        throw new Error(String(message));
      },
      strftime_now: (format: unknown) => strftime(now(), String(format)),
      range: boundedRange,
      messages,
      tools: wantsTools ? options.tools : null,
      documents: null,
      add_generation_prompt: options.addGenerationPrompt,
      bos_token: this.options.bosToken,
      eos_token: this.options.eosToken,
    };
    for (const [name, value] of Object.entries(variables)) environment.set(name, value);
    return environment;
  }
}

/** Python's range, refused where it would fill the memory. */
function boundedRange(first: number, second?: number, step = 1): number[] {
  const [start, stop] = second === undefined ? [0, first] : [first, second];
  const count = Math.max(0, Math.ceil((stop - start) / step));
  if (!Number.isInteger(count)) throw new Error('range() needs whole numbers and a step other than 0');
  if (count > maximumRange) throw new TooMuch(`it asked for a range of ${count} numbers`);
  return Array.from({ length: count }, (_, i) => start + i * step);
}
