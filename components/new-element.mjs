// `npm run new -- llm-thing`: writes the folder of a new element as this house builds them: class with its reference
// comment, styles, test, story, registration. It renders the engine's state and nothing else; the rest is yours.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const tag = process.argv[2] ?? '';
if (!/^llm(-[a-z][a-z0-9]*)+$/.test(tag)) {
  console.error('npm run new -- llm-thing: the name begins with llm-, in lower case, words parted by dashes.');
  process.exit(1);
}
const here = import.meta.dirname;
const name = tag.slice('llm-'.length);
const folder = join(here, name);
if (existsSync(folder)) {
  console.error(`components/${name} is there already.`);
  process.exit(1);
}
const inWords = name.split('-').map((word) => word[0].toUpperCase() + word.slice(1));
const className = `Llm${inWords.join('')}`;
const styles = `${name.replace(/-(.)/g, (_, letter) => letter.toUpperCase())}Styles`;

const files = {
  [`${name}/${name}.ts`]: `// \`<${tag}>\`: what it is, in a sentence.

import { html, type TemplateResult } from 'lit';
import { baseStyles } from '../internal/base.styles.js';
import { EngineController } from '../internal/engine-controller.js';
import { LlmElement } from '../internal/llm-element.js';
import { ${styles} } from './${name}.styles.js';

/**
 * @summary What a visitor sees and does with it.
 *
 * @tag ${tag}
 *
 * @csspart base - The frame.
 */
export class ${className} extends LlmElement {
  static override readonly styles = [baseStyles, ${styles}];

  readonly #engine = new EngineController(this);

  override render(): TemplateResult {
    return html\`<div part="base">\${this.#engine.state?.status.kind ?? 'connecting'}</div>\`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    '${tag}': ${className};
  }
}
`,
  [`${name}/${name}.styles.ts`]: `// The look of \`<${tag}>\`.

import { css } from 'lit';

export const ${styles} = css\`
  :host {
    display: block;
    min-inline-size: 0;
  }
\`;
`,
  [`${name}/${name}.test.ts`]: `import { html } from 'lit';
import '../define/${name}.js';
import { expectAccessible, mount, unmount, useScheme } from '../../test/support/page.js';
import { ScriptedEngine } from '../../test/support/scripted-engine.js';

describe('<${tag}>', () => {
  afterEach(unmount);

  for (const scheme of ['light', 'dark'] as const) {
    it(\`is accessible, \${scheme}\`, async () => {
      useScheme(scheme);
      const page = mount(html\`<llm-engine .engine=\${new ScriptedEngine({})}><${tag}></${tag}></llm-engine>\`);
      const element = page.querySelector('${tag}');
      if (element === null) throw new Error('not rendered');
      await element.updateComplete;
      await expectAccessible(element);
    });
  }
});
`,
  [`${name}/${name}.stories.ts`]: `// \`<${tag}>\`, driven by a scripted engine.

import { html } from 'lit';
import type { Meta, StoryObj } from '@storybook/web-components-vite';
import '../define/${name}.js';
import { ScriptedEngine } from '../../test/support/scripted-engine.js';

const meta: Meta = {
  title: 'Elements/${tag}',
  component: '${tag}',
  render: () => html\`<llm-engine .engine=\${new ScriptedEngine({})}><${tag}></${tag}></llm-engine>\`,
};

export default meta;

export const Plain: StoryObj = {};
`,
  [`define/${name}.ts`]: `// Registers \`<${tag}>\`.

import './engine.js';
import { ${className} } from '../${name}/${name}.js';
import { register } from './register.js';

register('${tag}', ${className});
`,
};
mkdirSync(folder);
for (const [path, text] of Object.entries(files)) writeFileSync(join(here, path), text);
const addLine = (path, line) => writeFileSync(join(here, path), readFileSync(join(here, path), 'utf8') + line);
addLine('define/all.ts', `import './${name}.js';\n`);
addLine('index.ts', `export { ${className} } from './${name}/${name}.js';\n`);
console.log(`components/${name}/ is there, registered in define/all.ts and exported by index.ts.
Next: npm run test:browser -- --files components/${name}/${name}.test.ts; npm run manifest`);
