import type { EventFilterRule } from '../model/subtask-config.js';
import { CODES } from '../errors/codes.js';
import { checkEventFilterRule } from '../filter/event-filter.js';
import { EVENT_NAMES } from '../model/event-names.js';
import { didYouMean } from './nearest.js';
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
  const problem = checkEventFilterRule(rule)[0];
  if (problem !== undefined) {
    const key = problem.path.replace(/\[\d+\]$/, '');
    const hint = key === 'events' ? didYouMean(problem.pattern, EVENT_NAMES) : '';
    throw section.error(
      CODES.configBinlogEventFilter,
      `${problem.path}: "${problem.pattern}" ${problem.message}${hint}`,
      key,
    );
  }
  return rule;
}
