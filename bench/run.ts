/**
 * `npm run bench -- NAME ... [--smoke] [--rounds N] [--only TEXT]`: runs benchmarks of this folder one after
 * another, each in its own process (`all` for all of them); without a name it lists them.
 */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

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

let failed = 0;
for (const name of chosen) {
  process.stdout.write(`\n== ${name}\n`);
  const child = spawn(
    process.execPath,
    ['--enable-source-maps', path.join(folder, `${name}.bench.js`), ...flags],
    {
      stdio: 'inherit',
    },
  );
  const code = await new Promise<number>((resolve) => {
    child.once('error', () => resolve(127));
    child.once('close', (exit) => resolve(exit ?? 1));
  });
  if (code !== 0) failed++;
}
process.exitCode = failed > 0 ? 1 : 0;
