/**
 * `npm run fuzz -- [--minutes N | --rounds N] [--seed S] [--source mariadb|mysql-9.7|mysql-5.6]
 * [--target mariadb|mysql-9.7|tidb] [--steps N] [--tables N] [--keys] [--lax] [--no-ddl] [--no-ddl-in-copy] [--no-faults] [--with NAME,NAME] [--keep-going] [--verbose]`:
 * exits 0 only when every round ends with equal data and definitions.
 */
import { parseArgs } from 'node:util';
import { createLog } from '../../src/log/create-log.js';
import { RealClock } from '../../src/runtime/real/clock.js';
import { RealRandom } from '../../src/runtime/real/random.js';
import { silentLog } from '../../test/copy/support.js';
import { Fuzz } from './fuzz.js';
import type { Dialect } from './values.js';

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string' },
      rounds: { type: 'string' },
      seed: { type: 'string' },
      source: { type: 'string' },
      target: { type: 'string' },
      steps: { type: 'string' },
      tables: { type: 'string' },
      keys: { type: 'boolean' },
      lax: { type: 'boolean' },
      'no-ddl': { type: 'boolean' },
      'no-faults': { type: 'boolean' },
      'no-ddl-in-copy': { type: 'boolean' },
      with: { type: 'string' },
      'keep-going': { type: 'boolean' },
      verbose: { type: 'boolean' },
    },
  });
  // What a seed's script depends on besides the seed.
  const shape = Object.entries(values)
    .filter(([name]) =>
      ['steps', 'tables', 'keys', 'lax', 'no-ddl', 'no-faults', 'no-ddl-in-copy', 'with'].includes(name),
    )
    .map(([name, value]) => ` --${name}${value === true ? '' : ` ${value}`}`)
    .join('');
  const clock = new RealClock();
  const source = values.source ?? 'mariadb';
  const target = values.target ?? 'mariadb';
  if (!['mariadb', 'mysql-9.7', 'mysql-5.6'].includes(source)) throw new Error(`unknown --source ${source}`);
  if (!['mariadb', 'mysql-9.7', 'tidb'].includes(target)) throw new Error(`unknown --target ${target}`);
  const dialect = { source, target, lax: values.lax === true } as Dialect;
  const first = Number(values.seed ?? Math.floor(new RealRandom().next() * 1_000_000));
  const rounds = Number(values.rounds ?? (values.minutes === undefined ? 10 : Infinity));
  const deadline = clock.monotonic() + Number(values.minutes ?? Infinity) * 60_000;
  const print = (text: string): void => void process.stdout.write(`${text}\n`);
  print(`fuzz: ${source} to ${target}, first seed ${first}`);
  const log = values.verbose ? createLog({ level: 'info', file: '', format: 'text', clock }) : silentLog;
  await using fuzz = await Fuzz.start({ dialect, clock, log });
  let bad = 0;
  const total = { rounds: 0, transactions: 0, rows: 0, ddls: 0, restarts: 0, faults: 0 };
  const inSync = { transactions: 0, rows: 0, ddls: 0 };
  for (let i = 0; i < rounds && clock.monotonic() < deadline; i++) {
    const result = await fuzz.round(first + i, {
      steps: Number(values.steps ?? 500),
      tables: Number(values.tables ?? 6),
      keys: values.keys === true,
      ddl: values['no-ddl'] !== true,
      faults: values['no-faults'] !== true,
      ddlInCopy: values['no-ddl-in-copy'] !== true,
      with: values.with?.split(',') ?? [],
    });
    total.rounds++;
    total.transactions += result.transactions;
    total.rows += result.rows;
    total.ddls += result.ddls;
    inSync.transactions += result.inSync.transactions;
    inSync.rows += result.inSync.rows;
    inSync.ddls += result.inSync.ddls;
    total.restarts += result.epochs - 1;
    total.faults += result.faults;
    print(
      `seed ${first + i}: ${result.failures.length === 0 ? 'equal' : 'FAILED'} after ${result.seconds.toFixed(1)} s,` +
        ` ${result.statements} statements (${result.refused} refused), ${result.transactions} transactions,` +
        ` ${result.rows} row changes, ${result.ddls} DDL (in sync: ${result.inSync.transactions}, ${result.inSync.rows},` +
        ` ${result.inSync.ddls}), ${result.faults} faults, ${result.epochs} epochs`,
    );
    if (result.crashed !== '') print(`  void: a statement has crashed ${result.crashed}`);
    for (const text of result.earlier) if (!/fenced|ended/.test(text)) print(`  taken over from: ${text}`);
    for (const text of result.failures) print(`  ${text.replaceAll('\n', '\n  ')}`);
    if (result.failures.length > 0) {
      bad++;
      print(
        `again with: npm run fuzz -- --rounds 1 --seed ${first + i} --source ${source} --target ${target}${shape}`,
      );
      if (values['keep-going'] !== true) break;
    }
  }
  print(
    `${total.rounds} rounds: ${total.transactions} transactions, ${total.rows} row changes, ${total.ddls} DDLs` +
      ` applied, ${total.faults} faults, ${total.restarts} restarts`,
  );
  print(
    `of these while the task replicated: ${inSync.transactions} transactions, ${inSync.rows} row changes,` +
      ` ${inSync.ddls} DDLs`,
  );
  print(bad === 0 ? 'all rounds: equal' : `${bad} rounds failed`);
  return bad === 0 ? 0 : 1;
}

process.exitCode = await main();
process.exit();
