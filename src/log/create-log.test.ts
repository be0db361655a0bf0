import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { Clock } from '../runtime/ports.js';
import { createLog } from './create-log.js';
import { LogFile } from './log-file.js';

const clock: Clock = {
  monotonic: () => 0,
  wall: () => new Date(2026, 10, 21, 5, 0, 0, 7).getTime(),
  after: () => ({ cancel: () => undefined }),
  sleep: () => Promise.resolve(),
};

function lines(format: 'text' | 'json', level: 'debug' | 'info' | 'warn' = 'info') {
  const written: string[] = [];
  const log = createLog({ level, file: '', format, clock, write: (line) => written.push(line) });
  return { log, written };
}

test("text lines have DM's form", () => {
  const { log, written } = lines('text');
  const lane = log.child({ component: 'lane', lane: 3 });
  lane.info('batch written', { rows: 100, task: 'my task', empty: '', password: 'secret', big: 5n });
  lane.debug('not shown');
  log.error('failed', { error: new DOMException('gone', 'AbortError') });
  expect(written[0]).toMatch(
    /^\[2026\/11\/21 05:00:00\.007 [+-]\d\d:\d\d\] \[INFO\] \[lane\] \["batch written"\] \[lane=3\] \[rows=100\] \[task="my task"\] \[empty=""\] \[password=\*+\] \[big=5\]\n$/,
  );
  expect(written[1]).toContain('[ERROR] ["failed"] [error="AbortError: gone"]');
  expect(written).toHaveLength(2);
});

test('a line is one line, whatever it tells', () => {
  const { log, written } = lines('text');
  log.info('two\nlines', { sql: 'SELECT 1;\nSELECT "2"' });
  expect(written[0]?.split('\n')).toHaveLength(2);
});

test('JSON lines', () => {
  const { log, written } = lines('json', 'warn');
  log.child({ component: 'bus' }).warn('slow', { ms: 12, from: { password: 'x', host: 'h' } });
  log.info('not shown');
  expect(JSON.parse(written[0] ?? '')).toEqual({
    level: 'warn',
    time: clock.wall(),
    component: 'bus',
    ms: 12,
    from: { password: '******', host: 'h' },
    message: 'slow',
  });
  expect(written).toHaveLength(1);
});

test('a full file is put aside and goes on', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'log-'));
  try {
    const file = path.join(folder, 'sub', 'dm.log');
    const log = new LogFile(file, clock, 10);
    log.write('12345678\n');
    log.write('abcdefgh\n');
    log.close();
    expect(readFileSync(file, 'utf8')).toBe('abcdefgh\n');
    expect(readdirSync(path.dirname(file))).toHaveLength(2);
    expect(log.lost).toBe(0);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
