// Formulas: TeX to MathML, which browsers draw themselves. Fetched when an answer holds the first one (render.ts).
// Temml reads the TeX and builds a tree of its own; from that, not from a string, the nodes are made here, and only those
// that MathML needs: no link, no image, no style, whatever the TeX says. A formula that Temml cannot read stays text.
// Hostile input: macros expand at most `expansions` times, texts are short (blocks.ts), trees nest to `deepest`.

import temml from 'temml';

const namespace = 'http://www.w3.org/1998/Math/MathML';
const longest = 4_000;
const expansions = 200;
const deepest = 60;

const names = new Set(
  'math mrow mi mn mo ms mtext mspace mfrac msqrt mroot msub msup msubsup munder mover munderover mmultiscripts mprescripts mtable mtr mtd mpadded mphantom mstyle menclose none'.split(
    ' ',
  ),
);
const attributes = new Set(
  'display displaystyle scriptlevel mathvariant stretchy fence separator form lspace rspace minsize maxsize symmetric largeop movablelimits accent accentunder linethickness rowspacing columnspacing columnalign rowalign columnlines rowlines columnspan rowspan width height depth voffset notation'.split(
    ' ',
  ),
);

/** A node of Temml's tree, as far as it is looked at. */
interface TreeNode {
  readonly type?: unknown;
  readonly text?: unknown;
  readonly attributes?: unknown;
  readonly children?: unknown;
}

/** The formula as an element, null where it cannot be read. */
export function formula(tex: string, display: boolean): Element | null {
  if (tex.length > longest) return null;
  let tree: unknown;
  try {
    const options = { displayMode: display, throwOnError: true, trust: false, strict: false, maxExpand: expansions };
    tree = temml.__renderToMathMLTree(tex, { ...options, maxSize: [20, 20] });
  } catch (error) {
    void error; // TeX that is none: its text stays
    return null;
  }
  const [math] = nodesOf(tree as TreeNode, 0);
  if (!(math instanceof Element) || math.localName !== 'math') return null;
  if (display) math.setAttribute('display', 'block');
  return math;
}

function nodesOf(node: TreeNode, depth: number): Node[] {
  if (typeof node !== 'object' || node === null || depth > deepest) return [];
  const { text, type } = node;
  if (typeof text === 'string' && type === undefined) return [document.createTextNode(text)];
  const children = Array.isArray(node.children) ? (node.children as TreeNode[]) : [];
  const inside = children.flatMap((child) => nodesOf(child, depth + 1));
  // Whatever stands around what we know is left out, its content stays.
  if (typeof type !== 'string' || !names.has(type)) return inside;
  const element = document.createElementNS(namespace, type);
  for (const [name, value] of Object.entries((node.attributes ?? {}) as Record<string, unknown>)) {
    if (attributes.has(name)) element.setAttribute(name, String(value));
  }
  element.append(...inside);
  return [element];
}
