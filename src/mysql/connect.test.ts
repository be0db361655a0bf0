import { describe, expect, it } from 'vitest';
import { sessionAssignments, TARGET_SQL_MODE } from './connect.js';

const db = (session: Record<string, string>) => ({
  host: 'h',
  port: 1,
  user: 'u',
  password: '',
  maxAllowedPacket: 0,
  session,
});

describe('sessionAssignments', () => {
  it('sets up a target', () => {
    expect(sessionAssignments({ db: db({}) })).toEqual([
      "SESSION `time_zone` = '+00:00'",
      `SESSION \`sql_mode\` = '${TARGET_SQL_MODE}'`,
      'SESSION `foreign_key_checks` = 0',
    ]);
  });

  it("takes the user's values, but none that would change what our literals mean", () => {
    const session = {
      SQL_MODE: 'ANSI_QUOTES, NO_BACKSLASH_ESCAPES',
      time_zone: '+08:00',
      foreign_key_checks: '1',
      tidb_txn_mode: "'optimistic'",
      character_set_client: 'gbk',
      odd: "it's",
    };
    expect(sessionAssignments({ db: db(session) })).toEqual([
      "SESSION `time_zone` = '+00:00'",
      "SESSION `sql_mode` = 'ANSI_QUOTES'",
      'SESSION `foreign_key_checks` = 1',
      "SESSION `tidb_txn_mode` = 'optimistic'",
      "SESSION `odd` = 'it\\'s'",
    ]);
  });

  it("leaves a source's mode empty and puts the caller's values last", () => {
    expect(
      sessionAssignments({ db: db({ wait_timeout: '5' }), role: 'source', session: { wait_timeout: '9' } }),
    ).toEqual(["SESSION `time_zone` = '+00:00'", "SESSION `sql_mode` = ''", 'SESSION `wait_timeout` = 9']);
  });

  it('reads of every source in one form, whatever modes its file names', () => {
    const mode = (text: string) => sessionAssignments({ db: db({ sql_mode: text }), role: 'source' })[1];
    expect(mode('ANSI')).toBe("SESSION `sql_mode` = ''");
    expect(mode('STRICT_TRANS_TABLES, ansi_quotes,PAD_CHAR_TO_FULL_LENGTH')).toBe(
      "SESSION `sql_mode` = 'STRICT_TRANS_TABLES'",
    );
  });
});
