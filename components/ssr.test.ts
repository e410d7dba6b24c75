// A chat that a server rendered comes alive in the page: what was seen before the script stands there once, not twice.

import { expect } from '@esm-bundle/chai';
import '../components/define/chat.js';
import type { LlmChat } from './chat/chat.js';

it('takes the place of what a server rendered', async () => {
  const place = document.createElement('div');
  document.body.append(place);
  // As the HTML parser reads it in a page; the text is ours.
  place.setHTMLUnsafe(
    '<llm-chat placeholder="Write here"><template shadowrootmode="open"><style>p { color: red }</style><p>Good day</p><textarea></textarea></template></llm-chat>',
  );
  const chat = place.querySelector<LlmChat>('llm-chat');
  if (chat === null) throw new Error('there is no chat');
  await chat.updateComplete;
  expect(chat.shadowRoot?.querySelectorAll('textarea').length).to.equal(1);
  expect(chat.shadowRoot?.querySelector('textarea')?.placeholder).to.equal('Write here');
  expect(chat.shadowRoot?.querySelector('style')).to.equal(null);
  place.remove();
});
