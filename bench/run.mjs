// `npm run bench -- <name> [options] [--json]`: runs bench/<name>.bench.mjs, writes its rows as JSON lines to bench/results/
// and prints a table, or with --json the lines. A bench module exports `run(arguments): AsyncIterable<row>`, `columns`,
// `title` and, if it likes, `summary(rows)`: lines behind the table.

import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';

const here = import.meta.dirname;
const benches = readdirSync(here)
  .filter((file) => file.endsWith('.bench.mjs'))
  .map((file) => file.replace('.bench.mjs', ''));
const given = process.argv.slice(2);
const json = given.includes('--json');
const [name, ...rest] = given.filter((argument) => argument !== '--json');
if (!benches.includes(name)) {
  console.error(`npm run bench -- <name>; there is: ${benches.join(', ')}`);
  process.exit(1);
}
const { run, columns, title, summary = () => [] } = await import(join(here, `${name}.bench.mjs`));
const machine = `${cpus()[0]?.model ?? 'unknown CPU'}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB`;
if (!json) console.log(`${title}\n${machine}`);
const rows = [];
for await (const row of run(rest)) {
  rows.push({ bench: name, date: new Date().toISOString(), machine, ...row });
  const line = JSON.stringify(rows.at(-1));
  if (json) console.log(line);
  else console.error(line);
}
mkdirSync(join(here, 'results'), { recursive: true });
const file = join(here, 'results', `${name}-${new Date().toISOString().replace(/[:.]/g, '-')}.jsonl`);
writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));

const failed = rows.some((row) => row.error);
if (json) process.exit(failed ? 1 : 0);

const show = (value) =>
  value === null || value === undefined
    ? '-'
    : typeof value === 'number'
      ? String(Math.round(value * 10) / 10)
      : String(value);
const widths = columns.map((column) => Math.max(column.length, ...rows.map((row) => show(row[column]).length)));
const line = (cells) => cells.map((cell, index) => cell.padEnd(widths[index])).join('  ');
console.log(line(columns));
for (const row of rows) console.log(line(columns.map((column) => show(row[column]))));
for (const text of summary(rows)) console.log(text);
process.exit(failed ? 1 : 0);
