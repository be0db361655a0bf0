/**
 * The manual's examples that set `shard-mode`: merging of sharded tables with their DDL is not there yet. They are
 * read, and refused at that key, whatever else they say. When it is there, each becomes a test of what it states
 * in 1.4.1.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseTaskConfig } from '../../src/config/task-config.js';
import { DmError } from '../../src/errors/dm-error.js';

const file = (name: string): string =>
  readFileSync(new URL(`../config/manual/${name}`, import.meta.url), 'utf8');

const MERGED = `name: test
task-mode: all
target-database: { host: 127.0.0.1, port: 4000, user: root, password: "" }
mysql-instances: [{ source-id: mysql-replica-01 }]
`;

const PESSIMISTIC = `shard-mode: "pessimistic" # The shard merge mode. Optional modes are ""/"pessimistic"/"optimistic".
`;

const EXAMPLES: readonly [string, string, 'pessimistic' | 'optimistic', string][] = [
  ['1.3.1.5.2 shard merge', `${MERGED}${PESSIMISTIC}`, 'pessimistic', '5:13'],
  ['1.4.1.3.2 the optimistic mode', `${MERGED}shard-mode: "optimistic"\n`, 'optimistic', '5:13'],
  ['1.4.2.3 online DDL', file('1.4.2-online-ddl.yaml'), 'pessimistic', '5:13'],
  ['4.4.1 overall', file('4.4.1-overall.yaml'), 'pessimistic', '4:13'],
];

describe('shard-mode', () => {
  it.each(EXAMPLES)('%s is refused at the key', (_, text, mode, place) => {
    let refusal: unknown;
    try {
      parseTaskConfig(text, 'task.yaml');
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toBeInstanceOf(DmError);
    const { code, message, workaround } = refusal as DmError;
    expect({ code, message }).toEqual({
      code: 60001,
      message: `task.yaml:${place}: "shard-mode: ${mode}" is not supported yet`,
    });
    expect(workaround).not.toBe('');
  });

  it.each(['shard-mode: ""', 'is-sharding: false', ''])('%j means that it is off', (line) => {
    expect(parseTaskConfig(`${MERGED}${line}\n`, 'task.yaml').shardMode).toBe('');
  });
});
