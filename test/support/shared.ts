// Finds ../shared, the optional folder of real models and vectors. Node tests call `sharedPath`, browser tests
// `fetchShared`; both say loudly that they skip where it is absent, because a silent skip reads like a pass.

/** Browser: bytes of a file of ../shared, or null (said on the console) where the folder is absent. */
export async function fetchShared(path: string): Promise<Uint8Array | null> {
  const present = (await (await fetch('/shared-present')).json()) as boolean;
  if (!present) {
    console.warn(`SKIPPED: ../shared is absent, so nothing was tested against ${path}`);
    return null;
  }
  const response = await fetch(`/shared/${path}`);
  if (!response.ok) throw new Error(`../shared is here, but ${path} is not: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}
