// `npm run samples`: asks the shipped default model the prompts of models/default/samples.json at temperature 0, through
// the kit's own engine on WebAssembly, and writes the answers there and into the card. test/e2e/shipped-model.e2e.ts
// holds both devices to them.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openLab } from './lab/lab.mjs';

const folder = join(import.meta.dirname, '../models/default');
const begin = '<!-- samples: written by npm run samples -->';
const end = '<!-- end of samples -->';
export const maxTokens = 300;

/** An answer as one text: what was said, or the call as JSON. */
export const asText = ({ text, toolCalls }) =>
  toolCalls.length === 0
    ? text
    : `${text}${toolCalls.map(({ function: call }) => `${call.name}(${call.arguments})`).join('\n')}`;

const lab = await openLab({ mounts: { '/model/': join(folder, 'pack') } });
try {
  await lab.call('open', { url: '/model/', device: 'wasm' });
  const samples = JSON.parse(readFileSync(join(folder, 'samples.json'), 'utf8'));
  for (const sample of samples) {
    const tools = sample.tools.length > 0 ? { tools: sample.tools } : {};
    sample.answer = asText(
      await lab.call('answer', { messages: sample.messages, ...tools, temperature: 0, max_tokens: maxTokens }),
    );
    console.log(`> ${sample.messages.at(-1).content}\n${sample.answer}\n`);
  }
  writeFileSync(join(folder, 'samples.json'), `${JSON.stringify(samples, null, 2)}\n`);
  const quoted = (text) =>
    text
      .split('\n')
      .map((line) => `> ${line}`.trimEnd())
      .join('\n');
  const shown = samples.map(({ messages, tools, answer }) => {
    const given = tools.length > 0 ? ` (with the tools ${tools.map((tool) => tool.function.name).join(', ')})` : '';
    return `**${messages.at(-1).content}**${given}\n\n${quoted(answer)}\n`;
  });
  const card = readFileSync(join(folder, 'README.md'), 'utf8');
  const [before, rest] = card.split(begin);
  if (rest === undefined || !rest.includes(end)) throw new Error(`the card has no place for samples: ${begin}`);
  writeFileSync(
    join(folder, 'README.md'),
    `${before}${begin}\n\n${shown.join('\n')}\n${end}${rest.slice(rest.indexOf(end) + end.length)}`,
  );
} finally {
  await lab.close();
}
