import { expect, it } from 'vitest';
import { isOfEvaluation } from './evaluation-warnings.js';

const WRITTEN = new Map([
  ['id', 'int'],
  ['v', 'varchar'],
  ['d', 'datetime'],
]);

it.each<[number, string, boolean]>([
  [1292, "Truncated incorrect DECIMAL value: 'abc'", true],
  [1292, "Truncated incorrect INTEGER value: 'x for column 'v' at row 1'", true],
  [1365, 'Division by 0', true],
  [1264, "Out of range value for column 'g' at row 1", true],
  [1264, "Out of range value for column 'ID' at row 1", false],
  [1366, "Incorrect integer value: 'abc' for column `p`.`t`.`g` at row 12", true],
  [1366, "Incorrect integer value: 'for column 'g' at row 1' for column `p`.`t`.`id` at row 12", false],
  [1366, "Incorrect integer value: 'for column 'id' at row 1' for column 'g' at row 12", true],
  [1292, "Incorrect datetime value: 'abc' for column `p`.`t`.`v` at row 1", true],
  [1292, "Incorrect datetime value: 'abc' for column `p`.`t`.`d` at row 1", false],
  [1292, "Incorrect inet6 value: 'abc' for column `p`.`t`.`v` at row 1", false],
  [1265, "Data truncated for column 'v' at row 1", false],
  [1048, "Column 'g' cannot be null", false],
  [1364, "Field 'x' doesn't have a default value", false],
])('%i %s: %s', (code, message, expected) => {
  expect(isOfEvaluation(code, message, WRITTEN)).toBe(expected);
});
