// What a page's one script tag loads (dist/llm-elements.js): registers the elements that stand in the page, each from a
// chunk of its own, when its tag appears. Chunks are found beside this file, from whichever origin it came, so it works from a CDN.
//
//   <script type="module" src="https://cdn.example/llm-elements/llm-elements.js"></script>
//   <llm-chat></llm-chat>
//
// It sees tags in the document, and in shadow roots that it is told of (`autoload(root)`): roots cannot be found from
// outside. What goes wrong: a chunk that cannot be fetched is reported as an error of the page (`window.onerror`), and the
// tag is tried again when it next appears. define.js registers all at once instead; index.js registers nothing.

const definitions: Readonly<Record<string, () => Promise<unknown>>> = {
  'llm-engine': () => import('./define/engine.js'),
  'llm-chat': () => import('./define/chat.js'),
  'llm-model-picker': () => import('./define/model-picker.js'),
  'llm-metrics': () => import('./define/metrics.js'),
  'llm-privacy': () => import('./define/privacy.js'),
  'llm-settings': () => import('./define/settings.js'),
  'llm-status': () => import('./define/status.js'),
};

const selector = Object.keys(definitions)
  .map((tag) => `${tag}:not(:defined)`)
  .join(',');
const asked = new Set<string>();

function define({ localName }: Element): void {
  const load = definitions[localName];
  if (load === undefined || asked.has(localName)) return;
  asked.add(localName);
  load().catch((thrown: unknown) => {
    asked.delete(localName);
    reportError(thrown);
  });
}

function look(node: Node): void {
  if (!(node instanceof Element || node instanceof Document || node instanceof DocumentFragment)) return;
  if (node instanceof Element && node.matches(selector)) define(node);
  for (const element of node.querySelectorAll(selector)) define(element);
}

let observer: MutationObserver | null = null;

/**
 * Registers the kit's elements in `root`, now and whenever one is added. The document is watched from the start; call
 * this for a shadow root whose elements are not registered otherwise.
 */
export function autoload(root: Document | ShadowRoot): void {
  look(root);
  observer ??= new MutationObserver((changes) => {
    for (const { addedNodes } of changes) addedNodes.forEach(look);
  });
  observer.observe(root, { childList: true, subtree: true });
}

// On a server there is no page; the module must load there all the same.
if (typeof document !== 'undefined') autoload(document);
