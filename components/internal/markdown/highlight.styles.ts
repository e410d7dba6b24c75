// The colours of code, in both schemes at 4.5:1 or more on the ground of code. Fetched with highlight.ts and added to
// the roots that show code. Where the visitor chose colours (`forced-colors`), theirs hold; who asks for more contrast reads code
// without colours.

import { css } from 'lit';

export const codeColours = css`
  .hl-kwd,
  .hl-section {
    color: light-dark(#8a1c7c, #f0a6e8);
  }

  .hl-str,
  .hl-insert {
    color: light-dark(#0b6b2e, #8fdc9f);
  }

  .hl-num,
  .hl-bool,
  .hl-esc {
    color: light-dark(#9a4100, #ffbd85);
  }

  .hl-func,
  .hl-class,
  .hl-type {
    color: light-dark(#2440c4, #a9b8ff);
  }

  .hl-cmnt {
    color: light-dark(#5a6070, #a6adbd);
    font-style: italic;
  }

  .hl-var,
  .hl-oper {
    color: light-dark(#0b6472, #86d3e0);
  }

  .hl-err,
  .hl-deleted {
    color: light-dark(#b3261e, #ffb4ab);
  }

  @media (prefers-contrast: more) {
    [class^='hl-'] {
      color: inherit;
    }
  }
`;
