/** The one type of several branches: of CASE, IF, COALESCE, GREATEST. */
import { commonText } from './compare.js';
import { decimalText } from './decimal.js';
import { NULL_TYPE, refuseCut, toDecimal, type Node, type SqlType, type Value } from './node.js';
import { Refusal } from './problem.js';

export interface Common {
  readonly type: SqlType;
  /** Each node's function, its values made to fit the common type. */
  readonly runs: readonly Node['run'][];
}

export function commonType(nodes: readonly Node[], at: number): Common {
  refuseCut(nodes, at);
  const given = nodes.filter(({ type }) => type.t !== 'null').map(({ type }) => type);
  if (given.length === 0) return { type: NULL_TYPE, runs: nodes.map(({ run }) => run) };
  const kinds = new Set(given.map((type) => type.t));
  const has = (t: SqlType['t']) => kinds.has(t);
  const plain = (type: SqlType): Common => ({ type, runs: nodes.map(({ run }) => run) });
  if (kinds.size === 1) {
    const [first] = given;
    switch (first.t) {
      case 'int':
        return plain({ t: 'int', unsigned: given.every((type) => type.t === 'int' && type.unsigned) });
      case 'decimal':
        return plain({ t: 'decimal', scale: Math.max(...given.map(scaleOf)) });
      case 'string':
        return plain(
          commonText(
            given.flatMap((type) => (type.t === 'string' ? [type] : [])),
            at,
          ),
        );
      case 'datetime':
      case 'time': {
        const fsp = Math.max(...given.map((type) => ('fsp' in type ? type.fsp : 0)));
        return plain({ t: first.t, fsp });
      }
      default:
        return plain(first);
    }
  }
  const numeric = given.every((type) => type.t === 'int' || type.t === 'decimal' || type.t === 'double');
  if (numeric && has('double')) {
    return { type: { t: 'double' }, runs: nodes.map((node) => converted(node, toDouble)) };
  }
  if (numeric) {
    const scale = Math.max(...given.map(scaleOf));
    return { type: { t: 'decimal', scale }, runs: nodes.map((node) => converted(node, toDecimal)) };
  }
  throw new Refusal(`values of the types ${[...kinds].join(' and ')} do not make one result: use CAST`, at);
}

function scaleOf(type: SqlType): number {
  return type.t === 'decimal' ? type.scale : 0;
}

function toDouble(value: Value): number {
  return typeof value === 'object' ? Number(decimalText(toDecimal(value))) : Number(value);
}

function converted(node: Node, convert: (value: Value) => Value): Node['run'] {
  const { run } = node;
  return (row) => {
    const value = run(row);
    return value === null ? null : convert(value);
  };
}
