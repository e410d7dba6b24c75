// What a file that the visitor chose is called: by the page that sends it, by the host that loads it, and by the store, where
// the same file chosen again is found. It knows nothing of what is in the file.

/** @returns `file:NAME?size=BYTES&time=MILLISECONDS`, the name escaped */
export function chosenFileName(blob: Blob): string {
  const name = 'name' in blob && typeof blob.name === 'string' ? blob.name : '';
  const time = 'lastModified' in blob && typeof blob.lastModified === 'number' ? blob.lastModified : 0;
  return `file:${encodeURIComponent(name).slice(0, 1_000)}?size=${blob.size}&time=${time}`;
}
