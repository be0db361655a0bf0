/** The expressions of a rule, by their keys in the task file. */
import type { ExpressionFilterRule } from '../../model/subtask-config.js';

export function expressionsOf(rule: ExpressionFilterRule): { key: string; text: string }[] {
  const all = [
    { key: 'insert-value-expr', text: rule.insertValueExpr },
    { key: 'update-old-value-expr', text: rule.updateOldValueExpr },
    { key: 'update-new-value-expr', text: rule.updateNewValueExpr },
    { key: 'delete-value-expr', text: rule.deleteValueExpr },
  ];
  return all.flatMap(({ key, text }) => (text === undefined ? [] : [{ key, text }]));
}
