import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseTaskConfig } from './task-config.js';

const HEAD = `name: t
task-mode: all
target-database: {host: h, port: 4000, user: root}
mysql-instances:
  - source-id: one
`;

function unit(text: string) {
  const [instance] = parseTaskConfig(HEAD + text, 't.yaml').instances;
  return instance;
}

describe('limits of a task', () => {
  it('have units, and are off by default', () => {
    const none = unit('');
    expect(none.sync).toMatchObject({ maxRowsPerSecond: 0, maxBytesPerSecond: 0, targetLatencyBudgetMs: 0 });
    expect(none.dump).toMatchObject({ maxBytesPerSecond: 0, sourceLatencyBudgetMs: 0 });
    const all = unit(
      `    syncer: {max-rows-per-second: 500, max-bytes-per-second: 2MiB/s, target-latency-budget: 50ms}
    mydumper: {max-bytes-per-second: 16MiB, source-latency-budget: 1s}
`,
    );
    expect(all.sync).toMatchObject({
      maxRowsPerSecond: 500,
      maxBytesPerSecond: 2 * 1024 * 1024,
      targetLatencyBudgetMs: 50,
    });
    expect(all.dump).toMatchObject({ maxBytesPerSecond: 16 * 1024 * 1024, sourceLatencyBudgetMs: 1000 });
  });

  it.each([
    ['syncer: {max-rows-per-second: fast}', /expected a whole number/],
    ['syncer: {max-rows-per-second: -1}', /expected a whole number at least 0/],
    [
      'syncer: {max-bytes-per-second: 10 lots}',
      /invalid `max-bytes-per-second` 10 lots: expected 0 \(no limit\), or/,
    ],
    ['mydumper: {max-bytes-per-second: 10}', /invalid `max-bytes-per-second` 10: .*at least 1024/],
    ['syncer: {target-latency-budget: 50}', /invalid `target-latency-budget` 50: .*such as 50ms/],
    ['mydumper: {source-latency-budget: soon}', /invalid `source-latency-budget` soon: .*such as 50ms/],
  ])('%s is refused with its place', (text, message) => {
    expect(() => unit(`    ${text}\n`)).toThrow(/t\.yaml:6:\d+: /);
    expect(() => unit(`    ${text}\n`)).toThrow(message);
  });

  it('are read from the example of docs/performance.md', () => {
    const page = readFileSync(new URL('../../docs/performance.md', import.meta.url), 'utf8');
    const [, example] = /## Limits\n[^]*?```yaml\n([^]*?)```/.exec(page) ?? [];
    const [{ sync, dump }] = parseTaskConfig(example, 'example.yaml').instances;
    expect(sync).toMatchObject({
      maxRowsPerSecond: 5000,
      maxBytesPerSecond: 4 << 20,
      targetLatencyBudgetMs: 50,
    });
    expect(dump).toMatchObject({ maxBytesPerSecond: 16 << 20, sourceLatencyBudgetMs: 20 });
  });
});
