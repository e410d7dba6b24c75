// Peak memory of a browser's processes, as the kernel accounts it: the sum of proportional set sizes (shared pages
// counted once) of the browser and all its children. Linux only; elsewhere null. WebAssembly memory, GPU buffers of
// software WebGPU and JavaScript heaps are all inside it, which no in-page figure manages for workers.

import { readFileSync, readdirSync } from 'node:fs';

function children(root) {
  const parents = new Map();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      parents.set(Number(entry), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
    } catch {
      continue; // the process ended between the listing and the reading
    }
  }
  const family = new Set([root]);
  for (let grown = true; grown;) {
    grown = false;
    for (const [pid, parent] of parents) {
      if (family.has(parent) && !family.has(pid)) grown = Boolean(family.add(pid));
    }
  }
  return family;
}

/** @returns {number | null} bytes */
export function familyMemory(root) {
  if (process.platform !== 'linux') return null;
  let kibibytes = 0;
  for (const pid of children(root)) {
    try {
      kibibytes += Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0);
    } catch {
      continue; // as above
    }
  }
  return kibibytes * 1024;
}

/** The same once it no longer changes: processes that start or end take their time. Six seconds at most. */
export async function settledMemory(root) {
  let last = familyMemory(root);
  for (let tries = 0, still = 0; last !== null && tries < 20 && still < 3; tries++) {
    await new Promise((later) => setTimeout(later, 300));
    const now = familyMemory(root);
    still = Math.abs(now - last) < 2 * 2 ** 20 ? still + 1 : 0;
    last = now;
  }
  return last;
}

/** Samples until stopped. @returns {() => {baseline: number | null, peak: number | null}} stop */
export function watchMemory(root, everyMilliseconds = 200) {
  const baseline = familyMemory(root);
  let peak = baseline;
  const timer = setInterval(() => {
    peak = Math.max(peak ?? 0, familyMemory(root) ?? 0) || null;
  }, everyMilliseconds);
  return () => {
    clearInterval(timer);
    return { baseline, peak };
  };
}
