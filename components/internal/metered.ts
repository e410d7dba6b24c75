// Whether downloads cost this visitor: then an element may offer what the engine refused, for them to agree to. By the
// Network Information API (saveData, cellular), which only Chromium has; elsewhere nothing is known and nothing offered.

export function isMetered(): boolean {
  const { connection } = navigator as { connection?: { readonly saveData?: boolean; readonly type?: string } };
  return connection?.saveData === true || connection?.type === 'cellular';
}
