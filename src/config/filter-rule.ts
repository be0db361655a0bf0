import type { EventFilterRule } from '../model/subtask-config.js';
import { CODES } from '../errors/codes.js';
import type { Section } from './section.js';

/** One binlog event filter, of a task's `filters` or a source's. */
export function readEventFilter(section: Section): EventFilterRule {
  const rule: EventFilterRule = {
    schemaPattern: section.string('schema-pattern'),
    tablePattern: section.string('table-pattern'),
    events: section.strings('events'),
    sqlPattern: section.strings('sql-pattern'),
    action: section.oneOf('action', ['Do', 'Ignore', 'Error'], 'Do', CODES.configBinlogEventFilter),
  };
  section.end();
  if (rule.schemaPattern === '') {
    throw section.error(CODES.configBinlogEventFilter, 'a filter rule needs a schema-pattern');
  }
  return rule;
}
