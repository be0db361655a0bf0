import { describe, expect, it } from 'vitest';
import { DmError } from '../errors/dm-error.js';
import type { BlockAllowRules } from '../model/subtask-config.js';
import { BlockAllowList } from './block-allow.js';

const NONE: BlockAllowRules = { doDbs: [], doTables: [], ignoreDbs: [], ignoreTables: [] };

function list(rules: Partial<BlockAllowRules>, caseSensitive = false): BlockAllowList {
  return new BlockAllowList({ ...NONE, ...rules }, { caseSensitive, metaSchema: 'dm_meta' });
}

describe('block-allow list', () => {
  it('does what the example of manual 1.3.1.2.4 says', () => {
    const rule = list({
      doDbs: ['forum_backup_2018', 'forum'],
      ignoreDbs: ['~^forum_backup_'],
      doTables: [
        { dbName: 'logs', tblName: '~_2018$' },
        { dbName: '~^forum.*', tblName: 'messages' },
      ],
      ignoreTables: [{ dbName: '~.*', tblName: '^messages.*' }],
    });
    const verdicts = {
      'logs.messages_2016': false,
      'logs.messages_2017': false,
      'logs.messages_2018': false,
      'forum.users': false,
      'forum.messages': true,
      'forum_backup_2016.messages': false,
      'forum_backup_2017.messages': false,
      'forum_backup_2018.messages': true,
    };
    for (const [name, expected] of Object.entries(verdicts)) {
      const [schema, table] = name.split('.');
      expect([name, rule.allows({ schema, table })]).toEqual([name, expected]);
      expect([name, rule.allows({ schema, table })]).toEqual([name, expected]);
    }
  });

  it('judges a schema at the schema level only', () => {
    const rule = list({ doTables: [{ dbName: 'a', tblName: 't' }] });
    expect(rule.allows({ schema: 'b', table: '' })).toBe(true);
    expect(rule.allows({ schema: 'b', table: 't' })).toBe(false);
    expect(list({ ignoreDbs: ['b*'] }).allows({ schema: 'b1', table: '' })).toBe(false);
  });

  it('lets do-tables win over ignore-tables', () => {
    const rule = list({
      doTables: [{ dbName: 'a', tblName: 't1' }],
      ignoreTables: [{ dbName: 'a', tblName: 't*' }],
    });
    expect(rule.allows({ schema: 'a', table: 't1' })).toBe(true);
    expect(rule.allows({ schema: 'a', table: 't2' })).toBe(false);
  });

  it('never passes system schemas and the meta schema', () => {
    const rule = list({ doDbs: ['*'] });
    for (const schema of ['mysql', 'MySQL', 'information_schema', 'PERFORMANCE_SCHEMA', 'sys', 'dm_meta']) {
      expect(rule.allows({ schema, table: 't' })).toBe(false);
      expect(rule.allows({ schema, table: '' })).toBe(false);
    }
    expect(rule.allows({ schema: 'system', table: 't' })).toBe(true);
  });

  it('minds case when told to', () => {
    expect(list({ doDbs: ['A'] }, true).allows({ schema: 'a', table: 't' })).toBe(false);
    expect(list({ doDbs: ['A'] }, false).allows({ schema: 'a', table: 't' })).toBe(true);
  });

  it('refuses bad patterns', () => {
    for (const rules of [
      { ...NONE, doDbs: ['a*b'] },
      { ...NONE, ignoreTables: [{ dbName: '~(', tblName: 't' }] },
    ])
      expect(() => list(rules)).toThrow(DmError);
  });
});
