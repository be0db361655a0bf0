import { describe, expect, it } from 'vitest';
import { families, referencesOf } from './families.js';

const table = (name: string, ...parents: string[]) => ({
  source: { schema: 's', table: name },
  createSql: [
    `CREATE TABLE \`${name}\` (`,
    "  `id` int(11) NOT NULL COMMENT 'CONSTRAINT `x` FOREIGN KEY (`a`) REFERENCES `no` (`id`)',",
    ...parents.map(
      (parent, i) =>
        `  CONSTRAINT \`f\`\`${i}\` FOREIGN KEY (\`a(b)\`, \`c\`) REFERENCES ${parent} (\`x\`, \`y\`) ON DELETE CASCADE,`,
    ),
    ') ENGINE=InnoDB',
  ].join('\n'),
});

describe('families of tables', () => {
  it('are found by the foreign keys of definitions, also of another schema', () => {
    const { source, createSql } = table('c', '`p`', '`other``s`.`p.q`');
    expect(referencesOf(source, createSql)).toEqual([
      { schema: 's', table: 'p' },
      { schema: 'other`s', table: 'p.q' },
    ]);
  });

  it('join over several steps, and leave out who is alone or refers to itself only', () => {
    const found = families([
      table('c', '`p`'),
      table('alone'),
      table('tree', '`tree`'),
      table('e', '`d`'),
      table('d', '`c`'),
      table('P'),
    ]);
    const names = found.map((family) => [...family].map((key) => key.replace(/[^a-z]+/g, '.')).sort());
    expect(names).toHaveLength(1);
    expect(names[0]).toHaveLength(4);
  });
});
