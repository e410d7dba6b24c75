// The bars of the decoder on the processor beside what a run of decode.bench.mjs measured: one line each, with the figures that it
// is made of. Pure: rows in, lines out. A bar whose rows were not measured says so.

/** @typedef {{decoder: string, threads: number, error?: string}} Row */

const speeds = (prefix) => (row) => Object.keys(row).filter((key) => key.startsWith(prefix) && row[key] != null);

/** Bars on how many times as much (`least`) or at most how many times as much (`most`) ours is as another. */
const bars = [
  { what: 'decode', keys: speeds('decode @'), ours: 'wasm', other: 'wllama', least: 5 },
  { what: 'decode', keys: speeds('decode @'), ours: 'wasm (SIMD128)', other: 'wllama', least: 1.5 },
  { what: 'prefill', keys: speeds('prefill '), ours: 'wasm', other: 'wllama', least: 10 },
  { what: 'prefill', keys: speeds('prefill '), ours: 'wasm', other: 'onnx-wasm (blocks)', least: 4 },
  { what: 'load', keys: () => ['load ms'], ours: 'wasm', other: 'wllama', least: 2, lowerIsBetter: true },
  { what: 'peak memory', keys: () => ['peak MiB'], ours: 'wasm', other: 'wllama', most: 0.8 },
];

const scaling = 1.7;

const short = (value) => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2));
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN;
const verdict = (met) => (met ? 'met' : 'MISSED');

/**
 * @param {Row[]} rows one a model, decoder and number of threads; `runs` holds what each run made, by figure
 * @returns {string[]}
 */
export function barLines(rows) {
  const lines = [];
  for (const model of new Set(rows.map((row) => row.model))) {
    const find = (decoder, threads) =>
      rows.find((row) => row.model === model && row.decoder === decoder && row.threads === threads && !row.error);
    const counts = [...new Set(rows.map(({ threads }) => threads))].sort((a, b) => a - b);
    for (const { what, keys, ours, other, least, most, lowerIsBetter } of bars) {
      for (const threads of counts) {
        const [mine, theirs] = [find(ours, threads), find(other, threads)];
        if (mine === undefined || theirs === undefined) {
          lines.push(`${model}, ${threads} thread(s), ${what}: ${ours} against ${other} was not measured`);
          continue;
        }
        for (const key of keys(mine)) {
          if (mine[key] == null || theirs[key] == null) continue;
          const ratio = lowerIsBetter ? theirs[key] / mine[key] : mine[key] / theirs[key];
          const met = least === undefined ? ratio <= most : ratio >= least;
          const bar = least === undefined ? `at most ${most}` : `at least ${least}`;
          const figures = `${short(mine[key])} : ${short(theirs[key])}`;
          const name = keys(mine).length > 1 ? key : what;
          lines.push(
            `${model}, ${threads} thread(s), ${name}: ${ours} ${short(ratio)} times ${other} (${figures}); bar ${bar}: ${verdict(met)}`,
          );
        }
      }
    }
    const [one, two] = [find('wasm', 1), find('wasm', 2)];
    if (one === undefined || two === undefined) {
      lines.push(`${model}, two threads over one: not measured`);
      continue;
    }
    for (const key of [...speeds('prefill ')(one), ...speeds('decode @')(one)]) {
      const best = two[key] / one[key];
      const usual = median(two.runs?.[key] ?? []) / median(one.runs?.[key] ?? []);
      const medians = Number.isFinite(usual) ? `, medians ${short(usual)}` : '';
      lines.push(
        `${model}, two threads over one, ${key}: ${short(best)} (best of ${one.runs?.[key]?.length ?? 'some'} runs of each${medians}); bar at least ${scaling}: ${verdict(best >= scaling)}`,
      );
    }
  }
  return lines;
}
