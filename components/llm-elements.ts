// What a page's one script tag loads (dist/llm-elements.js): registers the elements that stand in the page, each from a
// chunk of its own, when its tag appears. Chunks are found beside this file, from whichever origin it came, so it works from a CDN.
//
//   <script type="module" src="https://cdn.example/llm-elements/llm-elements.js"></script>
//   <llm-chat></llm-chat>
//
// It sees tags in the document, and in shadow roots that it is told of (`autoload(root)`): roots cannot be found from
// outside. What goes wrong: a chunk that cannot be fetched is reported as an error of the page (`window.onerror`), and the
// tag is tried again when it next appears. define.js registers all at once instead; index.js registers nothing.

/** The engine first: see `define`. */
const classes = {
  'llm-engine': async () => (await import('./engine/engine.js')).LlmEngine,
  'llm-chat': async () => (await import('./chat/chat.js')).LlmChat,
  'llm-model-picker': async () => (await import('./model-picker/model-picker.js')).LlmModelPicker,
  'llm-metrics': async () => (await import('./metrics/metrics.js')).LlmMetrics,
  'llm-privacy': async () => (await import('./privacy/privacy.js')).LlmPrivacy,
  'llm-settings': async () => (await import('./settings/settings.js')).LlmSettings,
  'llm-status': async () => (await import('./status/status.js')).LlmStatus,
};
type Tag = keyof typeof classes;

const tags = Object.keys(classes) as readonly Tag[];
const missing = (tag: Tag): string => `${tag}:not(:defined)`;
const selector = tags.map(missing).join(',');
const asked = new Set<Tag>();
let provider: Promise<unknown> | null = null;

/** A page with an `<llm-engine>` has it registered first: it must be there before the elements inside it ask for it. */
function define(tag: Tag): void {
  if (asked.has(tag)) return;
  asked.add(tag);
  const defined = Promise.all([import('./define/register.js'), classes[tag](), provider]).then(
    ([{ register }, element]) => register(tag, element),
  );
  if (tag === 'llm-engine') provider = defined;
  defined.catch((thrown: unknown) => {
    asked.delete(tag);
    reportError(thrown);
  });
}

function look(node: Node): void {
  if (!(node instanceof Element || node instanceof Document || node instanceof DocumentFragment)) return;
  const has = (wanted: string): boolean =>
    (node instanceof Element && node.matches(wanted)) || node.querySelector(wanted) !== null;
  if (!has(selector)) return;
  for (const tag of tags) if (has(missing(tag))) define(tag);
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
