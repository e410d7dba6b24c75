// What the stories' templates share: an element beside a scripted engine, which stays the same while a control is turned,
// and the controls' values as properties of the element. Called by the stories; it knows no element.

import { html, type TemplateResult } from 'lit';
import { Directive, directive, type ElementPart, type PartInfo, PartType } from 'lit/directive.js';
import { guard } from 'lit/directives/guard.js';
import { ScriptedEngine, type Script } from '../test/support/scripted-engine.js';

/** `content` in an `<llm-engine>` with an engine that follows the script. */
export const scripted = (script: Script, content: unknown): TemplateResult =>
  html`<llm-engine .engine=${guard([script], () => new ScriptedEngine(script))}>${content}</llm-engine>`;

class Given extends Directive {
  constructor(info: PartInfo) {
    super(info);
    if (info.type !== PartType.ELEMENT) throw new Error('given() stands in a tag: <llm-chat ${given(args)}>');
  }

  render(args: object): object {
    return args;
  }

  override update({ element }: ElementPart, [args]: [object]): object {
    for (const [name, value] of Object.entries(args)) {
      // Arguments that the element does not know are the story's own: what the engine does, what the visitor has said.
      if (name in element && value !== undefined && Reflect.get(element, name) !== value)
        Reflect.set(element, name, value);
    }
    return args;
  }
}

/** Sets each argument on the element that has a property of its name. */
export const given = directive(Given);
