// What a page's tool gave back, as the text a model reads. Pure but for waiting; used by `<llm-chat>`.

/** Text as it is, nothing as `{"ok": true}`, anything else as JSON, a failure as `{"error": ...}`. Never rejects. */
export async function toolResultText(result: Promise<unknown>, failed: string): Promise<string> {
  try {
    const value = await result;
    if (typeof value === 'string') return value;
    return JSON.stringify(value ?? { ok: true });
  } catch (thrown) {
    return JSON.stringify({ error: thrown instanceof Error && thrown.message !== '' ? thrown.message : failed });
  }
}
