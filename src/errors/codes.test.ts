import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { CODES } from './codes.js';

test('no code and no name is used twice', () => {
  const codes = Object.values(CODES).map(({ code }) => code);
  expect(codes.filter((code, i) => codes.indexOf(code) !== i)).toEqual([]);
  // A name that two tables have would hide one of them.
  const folder = import.meta.dirname;
  const names = readdirSync(folder)
    .filter((file) => /^codes(-\w+)?\.ts$/.test(file))
    .flatMap((file) => [...readFileSync(path.join(folder, file), 'utf8').matchAll(/^ {2}(\w+): \w+\(/gm)])
    .map((match) => match[1]);
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
  expect(names).toHaveLength(codes.length);
});

test.each(Object.entries(CODES))('%s has its range', (_name, { code, class: errorClass }) => {
  const ranges: Record<string, [number, number]> = {
    config: [20001, 20070],
    scheduler: [46001, 46035],
    dmctl: [48001, 48003],
    'task-check': [26001, 26007],
    'not-set': [50000, 50000],
  };
  const range = ranges[errorClass];
  if (!range || code >= 60000) return;
  expect(code).toBeGreaterThanOrEqual(range[0]);
  expect(code).toBeLessThanOrEqual(range[1]);
});
