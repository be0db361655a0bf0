import { describe, expect, it } from 'vitest';
import { deferrable, withoutIndexes } from './deferred-indexes.js';

const table = (...lines: string[]) =>
  `CREATE TABLE \`t\` (\n${lines.map((line) => `  ${line}`).join(',\n')}\n) ENGINE=InnoDB COMMENT='\n  KEY \`x\` (\`x\`)'`;

describe('indexes that can come later', () => {
  const plain = ['KEY `k` (`k`)', "KEY `a``b` (`k`,`v`(10)) USING BTREE COMMENT 'of, all'"];
  const kept = ['`id` int(11) NOT NULL', '`k` int(11)', '`v` text', 'PRIMARY KEY (`id`)'];
  const special = ['UNIQUE KEY `u` (`k`)', 'FULLTEXT KEY `f` (`v`)'];

  it('are the plain ones', () => {
    const sql = table(...kept, special[0], plain[0], special[1], plain[1]);
    expect(deferrable(sql)).toEqual(plain);
    expect(withoutIndexes(sql, plain)).toBe(table(...kept, ...special));
    expect(withoutIndexes(sql, [])).toBe(sql);
  });

  it('are none where an AUTO_INCREMENT column or a foreign key may need them', () => {
    const counter = '`id` int(11) NOT NULL AUTO_INCREMENT';
    expect(deferrable(table(counter, '`k` int(11)', 'PRIMARY KEY (`k`,`id`)', 'KEY `id` (`id`)'))).toEqual(
      [],
    );
    expect(deferrable(table(counter, '`k` int(11)', 'PRIMARY KEY (`id`,`k`)', plain[0]))).toEqual([plain[0]]);
    expect(deferrable(table(counter, '`k` int(11)', 'UNIQUE KEY `u` (`id`)', plain[0]))).toEqual([plain[0]]);
    const foreign = 'CONSTRAINT `c` FOREIGN KEY (`k`) REFERENCES `p` (`id`)';
    expect(deferrable(table(...kept, plain[0], foreign))).toEqual([]);
  });
});
