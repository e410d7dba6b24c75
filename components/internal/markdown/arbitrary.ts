// Answers as fast-check makes them, for the markdown tests: pieces a model would write and pieces an attacker would.
// Test support; imported by tests only.

import fc from 'fast-check';

const hostile = [
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '<iframe src="https://canary.example/">',
  '<a href="javascript:alert(1)" onclick="x()">a</a>',
  '<svg/onload=alert(1)>',
  '<!--',
  '-->',
  '[go](javascript:alert(1))',
  '[go](JaVaScRiPt&#58;alert(1))',
  '[go](&#106;avascript:alert(1))',
  '[go](java\tscript:alert(1))',
  '[go](data:text/html,<script>alert(1)</script>)',
  '[go](vbscript:x)',
  '[go](//canary.example/x)',
  '[bank](https://bank.example@canary.example/)',
  '![alt](https://canary.example/pixel.png?q=secret)',
  '![](data:image/svg+xml,<svg onload=alert(1)>)',
  '[![a](https://canary.example/i.png)](javascript:alert(1))',
  '[ref]: https://canary.example/ "x"',
  '[ref]',
  '![ref]',
  '<javascript:alert(1)>',
  '<https://canary.example/>',
  'https://canary.example/x?y=<z>',
  'me@canary.example',
  '\u202eevil\u202c',
  '\u200b',
  '\0',
] as const;

const ordinary = [
  'word',
  ' ',
  '  \n',
  '\n',
  '\r\n',
  '\n\n',
  '\n\n\n',
  '    ',
  '\t',
  '# ',
  '## Title\n',
  '===\n',
  '---\n',
  '***\n',
  '- ',
  '  - ',
  '* ',
  '1. ',
  '10) ',
  '- [ ] ',
  '- [x] ',
  '> ',
  '>> ',
  '```',
  '```ts\n',
  '\n```\n',
  '~~~\n',
  '`',
  '``',
  '*',
  '**',
  '_',
  '__',
  '~~',
  '\\',
  '&amp;',
  '&#x41;',
  '| a | b |\n',
  '|---|:-:|\n',
  '| 1 | 2 |\n',
  '|',
  ':--',
  '[text](https://example.com/a)',
  '[',
  '](',
  ')',
  '!',
  '<',
  '>',
  'é',
  '日本',
  '🦀',
  'عربى',
] as const;

/** Markdown of any kind, mixed with raw characters. */
export const answer: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom(...ordinary) },
      { weight: 2, arbitrary: fc.constantFrom(...hostile) },
      { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 6 }) },
    ),
    { maxLength: 40 },
  )
  .map((pieces) => pieces.join(''));

/** The same text in chunks cut anywhere, through surrogate pairs and line ends too. */
export const chunkedAnswer: fc.Arbitrary<readonly string[]> = fc
  .tuple(answer, fc.array(fc.nat({ max: 300 }), { maxLength: 12 }))
  .map(([text, cuts]) => {
    const places = [...new Set(cuts.map((cut) => cut % (text.length + 1)))].sort((a, b) => a - b);
    return [...places, text.length].map((place, index) => text.slice(places[index - 1] ?? 0, place));
  });
