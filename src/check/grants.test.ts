import { describe, expect, it } from 'vitest';
import { hasAnywhere, hasGlobal, parseGrants } from './grants.js';

describe('parseGrants', () => {
  it('tells global privileges from those on some objects', () => {
    const grants = parseGrants([
      "GRANT SELECT, RELOAD, BINLOG MONITOR ON *.* TO `u`@`%` IDENTIFIED BY PASSWORD '*X'",
      'GRANT LOCK TABLES, INSERT (`a`, `b`) ON `d`.* TO `u`@`%`',
    ]);
    expect(hasGlobal(grants, 'REPLICATION CLIENT', 'BINLOG MONITOR')).toBe(true);
    expect(hasGlobal(grants, 'LOCK TABLES')).toBe(false);
    expect(hasAnywhere(grants, 'LOCK TABLES')).toBe(true);
    expect(hasAnywhere(grants, 'INSERT')).toBe(true);
    expect(hasAnywhere(grants, 'DELETE')).toBe(false);
  });

  it('takes ALL for everything', () => {
    const grants = parseGrants(['GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION']);
    expect(hasGlobal(grants, 'RELOAD')).toBe(true);
  });
});
