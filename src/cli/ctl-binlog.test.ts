import { expect, test } from 'vitest';
import type { CtlFiles } from './ctl-command.js';
import { parseCommand } from './ctl-program.js';

const files: CtlFiles = { read: (name) => `text of ${name}\n`, isFile: (name) => /\.(sql|yaml)$/.test(name) };
const parse = (line: string) => parseCommand(line.split(' '), files);

test.each([
  ['binlog skip test', { op: 'skip', task: 'test', sources: [], sqls: '' }],
  [
    'binlog skip task.yaml -s a,b -s c --binlog-pos mysql-bin.000001:4',
    {
      op: 'skip',
      task: 'text of task.yaml\n',
      sources: ['a', 'b', 'c'],
      binlogPos: 'mysql-bin.000001:4',
      sqls: '',
    },
  ],
  [
    'binlog inject test -b (x.000001, 4) ALTER TABLE a ADD b INT; DROP TABLE c;'.replace(', ', ','),
    {
      op: 'inject',
      task: 'test',
      binlogPos: '(x.000001,4)',
      sqls: 'ALTER TABLE a ADD b INT; DROP TABLE c;',
      sources: [],
    },
  ],
  ['binlog replace test a.sql', { op: 'replace', task: 'test', sqls: 'text of a.sql\n', sources: [] }],
  [
    'handle-error test -b x.1:4 revert',
    { op: 'revert', task: 'test', binlogPos: 'x.1:4', sqls: '', sources: [] },
  ],
  [
    'handle-error test replace DROP TABLE a',
    { op: 'replace', task: 'test', sqls: 'DROP TABLE a', sources: [] },
  ],
])('%s', (line, request) => {
  expect(parse(line)).toEqual({ type: 'send', command: line.split(' ')[0], request });
});

test.each(['binlog', 'binlog frobnicate test', 'handle-error', 'binlog --help'])(
  '%s shows the help',
  (line) => {
    expect(parse(line)).toMatchObject({ type: 'print', text: expect.stringContaining('Usage:\n  dmctl ') });
  },
);

test('what is missing or wrong is told', () => {
  expect(() => parse('binlog skip')).toThrow('usage: dmctl binlog <skip/replace');
  expect(() => parse('handle-error test')).toThrow('usage: dmctl handle-error');
  expect(() => parse('handle-error test frobnicate')).toThrow("invalid operation 'frobnicate'");
});
