// The kit's tags in React's JSX (19 and later, which sets properties and listens to events of custom elements):
//   import type {} from 'llm-elements/react';
//   <llm-chat system-prompt="Be brief." onllm-message={(event) => ...} />

import type { DetailedHTMLProps, HTMLAttributes } from 'react';
import type { KitAttributes, KitListeners, KitProperties, KitTag } from './elements.d.ts';

type KitElements = {
  [Tag in KitTag]: DetailedHTMLProps<HTMLAttributes<HTMLElementTagNameMap[Tag]>, HTMLElementTagNameMap[Tag]> &
    KitProperties<Tag> &
    KitAttributes<Tag> &
    KitListeners;
};

declare module 'react' {
  namespace JSX {
    // eslint-disable-next-line @typescript-eslint/no-empty-object-type
    interface IntrinsicElements extends KitElements {}
  }
}
