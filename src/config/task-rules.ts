/** The rule sets of a task file: block-allow lists, routes, expression filters. */
import type {
  BlockAllowRules,
  ExpressionFilterRule,
  ExtractRule,
  RouteRule,
  TablePattern,
} from '../model/subtask-config.js';
import { CODES } from '../errors/codes.js';
import { DmError } from '../errors/dm-error.js';
import { checkExpression } from '../filter/expression/expression.js';
import { expressionsOf } from '../filter/expression/rules.js';
import { checkPattern } from '../filter/wildcard.js';
import type { Section } from './section.js';

export function readBlockAllow(section: Section): BlockAllowRules {
  const rules: BlockAllowRules = {
    doDbs: readSchemas(section, 'do-dbs'),
    doTables: readTables(section, 'do-tables'),
    ignoreDbs: readSchemas(section, 'ignore-dbs'),
    ignoreTables: readTables(section, 'ignore-tables'),
  };
  section.end();
  return rules;
}

function readSchemas(section: Section, key: string): string[] {
  const schemas = section.strings(key);
  for (const pattern of schemas) refuseBadPattern(section, key, pattern);
  return schemas;
}

function readTables(section: Section, key: string): TablePattern[] {
  return section.items(key).map((item) => {
    const table = { dbName: item.string('db-name'), tblName: item.string('tbl-name') };
    item.end();
    if (table.dbName === '' || table.tblName === '') {
      throw item.error(CODES.configGenBlockAllowList, `${key}: both db-name and tbl-name must be set`);
    }
    refuseBadPattern(item, 'db-name', table.dbName);
    refuseBadPattern(item, 'tbl-name', table.tblName);
    return table;
  });
}

/** What the filters themselves would refuse when the task starts. */
function refuseBadPattern(
  section: Section,
  key: string,
  pattern: string,
  kind = CODES.configGenBlockAllowList,
): void {
  const problem = pattern === '' ? 'is empty' : checkPattern(pattern);
  if (problem !== undefined) throw section.error(kind, `${key}: "${pattern}" ${problem}`, key);
}

export function readRoute(section: Section): RouteRule {
  const rule: RouteRule = {
    schemaPattern: section.string('schema-pattern'),
    tablePattern: section.string('table-pattern'),
    targetSchema: section.string('target-schema'),
    targetTable: section.string('target-table'),
  };
  const table = readExtract(section.section('extract-table'), 'table-regexp', 'tableRegexp');
  const schema = readExtract(section.section('extract-schema'), 'schema-regexp', 'schemaRegexp');
  const source = readExtract(section.section('extract-source'), 'source-regexp', 'sourceRegexp');
  section.end();
  if (table) rule.extractTable = table;
  if (schema) rule.extractSchema = schema;
  if (source) rule.extractSource = source;
  const kind = CODES.configGenTableRouter;
  if (rule.schemaPattern === '') {
    throw section.error(kind, 'schema pattern of table route rule should not be empty');
  }
  if (rule.targetSchema === '') {
    throw section.error(kind, 'target schema of table route rule should not be empty');
  }
  if (rule.targetTable !== '' && rule.tablePattern === '') {
    throw section.error(kind, 'a route with a target-table needs a table-pattern', 'target-table');
  }
  refuseBadPattern(section, 'schema-pattern', rule.schemaPattern, kind);
  if (rule.tablePattern !== '') refuseBadPattern(section, 'table-pattern', rule.tablePattern, kind);
  return rule;
}

function readExtract(
  section: Section | undefined,
  key: string,
  field: 'tableRegexp' | 'schemaRegexp' | 'sourceRegexp',
): ExtractRule | undefined {
  if (!section) return undefined;
  const rule: ExtractRule = { [field]: section.string(key), targetColumn: section.string('target-column') };
  section.end();
  return rule;
}

export function readExpressionFilter(section: Section): ExpressionFilterRule {
  const rule: ExpressionFilterRule = { schema: section.string('schema'), table: section.string('table') };
  const insert = section.optionalString('insert-value-expr');
  const updateOld = section.optionalString('update-old-value-expr');
  const updateNew = section.optionalString('update-new-value-expr');
  const remove = section.optionalString('delete-value-expr');
  section.end();
  if (insert !== undefined) rule.insertValueExpr = insert;
  if (updateOld !== undefined) rule.updateOldValueExpr = updateOld;
  if (updateNew !== undefined) rule.updateNewValueExpr = updateNew;
  if (remove !== undefined) rule.deleteValueExpr = remove;
  for (const { key, text } of expressionsOf(rule)) {
    try {
      checkExpression(text);
    } catch (error) {
      if (!(error instanceof DmError)) throw error;
      throw section.error(CODES.filterExpression, error.message, key);
    }
  }
  const kinds = [insert, updateOld ?? updateNew, remove].filter((one) => one !== undefined).length;
  if (kinds > 1) {
    throw section.error(
      CODES.configExprFilterManyExpr,
      'only one of `insert-value-expr`, `update-...-value-expr` and `delete-value-expr` can be set in one expression filter',
    );
  }
  return rule;
}
