// The gallery of looks: sets of custom properties for the chat, and the CSS that makes each. Called by demo.ts. Colours
// are pairs for light and dark with the contrast that text needs (axe checks the page in each look).

interface Look {
  readonly name: string;
  readonly properties: Readonly<Record<`--llm-${string}`, string>> & {
    readonly 'font-family'?: string;
    readonly 'color-scheme'?: string;
  };
}

const looks: readonly Look[] = [
  { name: 'As it comes', properties: {} },
  {
    name: 'Meadow',
    properties: {
      '--llm-accent': 'light-dark(#1b6b3a, #8fdcab)',
      '--llm-on-accent': 'light-dark(#ffffff, #08240f)',
      '--llm-surface': 'light-dark(#f7fbf4, #121a14)',
      '--llm-raised': 'light-dark(#e9f3e4, #1c2a20)',
      '--llm-line': 'light-dark(#cfe0c8, #314537)',
      '--llm-radius': '22px',
    },
  },
  {
    name: 'Paper',
    properties: {
      '--llm-accent': 'light-dark(#7a3b12, #f0b58a)',
      '--llm-on-accent': 'light-dark(#ffffff, #2b1305)',
      '--llm-surface': 'light-dark(#fdf8ee, #1d1812)',
      '--llm-raised': 'light-dark(#f4ead6, #2a231a)',
      '--llm-line': 'light-dark(#e2d3b5, #463b2c)',
      '--llm-radius': '2px',
      'font-family': 'Georgia, serif',
    },
  },
  {
    name: 'Terminal',
    properties: {
      '--llm-accent': '#7ee787',
      '--llm-on-accent': '#04260a',
      '--llm-surface': '#0b0f0c',
      '--llm-raised': '#151c17',
      '--llm-text': '#d7f5dc',
      '--llm-quiet': '#9ac6a2',
      '--llm-line': '#2c3a30',
      '--llm-danger': '#ffb4ab',
      '--llm-cloud': '#ffc27a',
      '--llm-radius': '0',
      'font-family': 'ui-monospace, Menlo, Consolas, monospace',
      'color-scheme': 'dark',
    },
  },
  {
    name: 'Dusk',
    properties: {
      '--llm-accent': 'light-dark(#8b1e6d, #ff9edb)',
      '--llm-on-accent': 'light-dark(#ffffff, #38072b)',
      '--llm-surface': 'light-dark(#fdf6fb, #1b1220)',
      '--llm-raised': 'light-dark(#f6e7f1, #291a2f)',
      '--llm-line': 'light-dark(#e8cfe0, #45304b)',
      '--llm-radius': '18px',
    },
  },
];

const cssOf = ({ properties }: Look): string => {
  const lines = Object.entries<string>(properties).map(([name, value]) => `  ${name}: ${value};`);
  return lines.length === 0 ? '/* nothing: it follows the page */' : `llm-chat {\n${lines.join('\n')}\n}`;
};

/** Fills `list` with a choice of looks for `chat`; `code` shows the CSS of the chosen one. */
export function showLooks(chat: HTMLElement, list: HTMLElement, code: HTMLElement): void {
  const names = new Set(looks.flatMap(({ properties }) => Object.keys(properties)));
  const wear = (look: Look): void => {
    const set: Readonly<Record<string, string | undefined>> = look.properties;
    for (const name of names) chat.style.setProperty(name, set[name] ?? '');
    code.textContent = cssOf(look);
  };
  looks.forEach((look, i) => {
    const label = document.createElement('label');
    const input = document.createElement('input');
    input.type = 'radio';
    input.name = 'look';
    input.checked = i === 0;
    input.addEventListener('change', () => wear(look));
    const text = document.createElement('span');
    const swatch = document.createElement('i');
    swatch.style.background = look.properties['--llm-accent'] ?? 'var(--accent)';
    text.append(swatch, look.name);
    label.append(input, text);
    list.append(label);
    if (i === 0) wear(look);
  });
}
