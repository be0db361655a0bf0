import { expect, test } from 'vitest';
import type { Dialect } from './dialect.js';
import { splitText } from './split-text.js';

const dialect: Dialect = { flavor: 'mysql', serverVersion: '', ansiQuotes: false, noBackslashEscapes: false };

test.each([
  ['ALTER TABLE a ADD b INT', ['ALTER TABLE a ADD b INT']],
  [' ALTER TABLE a ADD b INT; ;\n DROP TABLE c ;', ['ALTER TABLE a ADD b INT', 'DROP TABLE c']],
  [
    "ALTER TABLE a ADD b INT COMMENT ';\\';'; DROP TABLE `;`",
    ["ALTER TABLE a ADD b INT COMMENT ';\\';'", 'DROP TABLE `;`'],
  ],
  ['DROP TABLE a /* ; */; -- x;y\nDROP TABLE b # ;', ['DROP TABLE a /* ; */', '-- x;y\nDROP TABLE b # ;']],
  ['', []],
])('%s', (text, statements) => {
  expect(splitText(text, dialect)).toEqual(statements);
});
