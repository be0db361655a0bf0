/**
 * `npm run bench -- NAME ... [--smoke] [--rounds N] [--only TEXT]`: runs benchmarks of this folder one after
 * another, each in its own process (`all` for all of them); without a name it lists them. Where there are several, a
 * summary of what each must reach stands at the end.
 */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { writtenResults } from './harness/report.js';
import { summary, type Ended } from './harness/verdict.js';

const folder = path.dirname(fileURLToPath(import.meta.url));
/** A benchmark is a program of its own: `<subject>.bench.ts`. */
const all = readdirSync(folder)
  .filter((file) => file.endsWith('.bench.js'))
  .map((file) => file.slice(0, -'.bench.js'.length))
  .sort();
const given = process.argv.slice(2);
const firstFlag = given.findIndex((argument) => argument.startsWith('--'));
const flags = firstFlag < 0 ? [] : given.slice(firstFlag);
const asked = firstFlag < 0 ? given : given.slice(0, firstFlag);
if (asked.length === 0) {
  process.stdout.write(`benchmarks: ${all.join(', ')}, or all\n`);
  process.exit(0);
}
const chosen = asked.includes('all') ? all : asked;
const unknown = chosen.filter((name) => !all.includes(name));
if (unknown.length > 0) {
  process.stderr.write(`no benchmark ${unknown.join(', ')}; there are: ${all.join(', ') || 'none'}\n`);
  process.exit(2);
}

const ended: Ended[] = [];
for (const [i, name] of chosen.entries()) {
  const before = Date.now();
  const clock = new Date(before).toISOString().slice(11, 19);
  const which = chosen.length > 1 ? ` (${i + 1} of ${chosen.length}, ${clock} UTC)` : '';
  process.stdout.write(`\n== ${name}${which}\n`);
  const child = spawn(
    process.execPath,
    ['--enable-source-maps', path.join(folder, `${name}.bench.js`), ...flags],
    {
      stdio: 'inherit',
    },
  );
  const exitCode = await new Promise<number>((resolve) => {
    child.once('error', () => resolve(127));
    child.once('close', (exit) => resolve(exit ?? 1));
  });
  ended.push({
    name,
    exitCode,
    seconds: (Date.now() - before) / 1000,
    cases: writtenResults(name, before),
  });
}
if (chosen.length > 1) process.stdout.write(`\n${summary(ended)}\n`);
process.exitCode = ended.some(({ exitCode }) => exitCode !== 0) ? 1 : 0;
