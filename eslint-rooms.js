/**
 * The import rules between the rooms of the house (docs/architecture.md), as a lint rule.
 *
 * Top-level rooms may import what `ROOMS` lists. Inside `src/`, a subject imports subjects to its left
 * in `SRC_ORDER` and never one to its right, so that dependencies only ever run downwards.
 */
import path from 'node:path';

const ROOMS = {
  machines: ['machines', 'src/model'],
  actors: ['actors', 'machines', 'src'],
  src: ['src', 'machines'],
  simulations: ['simulations', 'actors', 'machines', 'src', 'test'],
  test: ['test', 'simulations', 'actors', 'machines', 'src'],
  bench: ['bench', 'test', 'simulations', 'actors', 'machines', 'src'],
  web: ['web'],
};

export const SRC_ORDER = [
  'model',
  'errors',
  'runtime',
  'metrics',
  'log',
  'mysql',
  'schema',
  'filter',
  'online-ddl',
  'config',
  'nats',
  'binlog',
  'checkpoint',
  'check',
  'dump',
  'load',
  'relay',
  'shard',
  'sync',
  'isolation',
  'subtask',
  'api',
  'http',
  'cli',
  'bin',
];

function roomOf(file, root) {
  const parts = path.relative(root, file).split(path.sep);
  return { room: parts[0], subject: parts[0] === 'src' ? parts[1] : undefined, parts };
}

export const rooms = {
  meta: { type: 'problem', schema: [], messages: { forbidden: '{{text}}' } },
  create(context) {
    const root = context.cwd;
    const file = context.filename;
    const from = roomOf(file, root);
    const allowed = ROOMS[from.room];
    if (!allowed || from.parts.length < 2) return {};
    const isTest = file.endsWith('.test.ts');
    function check(node) {
      const source = node.source?.value;
      if (typeof source !== 'string' || !source.startsWith('.')) return;
      const to = roomOf(path.resolve(path.dirname(file), source), root);
      const target = to.parts.join('/');
      const fromBin = from.room === 'src' && from.subject === 'bin';
      if (isTest && (to.room === 'test' || to.room === 'simulations')) return;
      if (fromBin && to.room === 'actors') return;
      if (!allowed.some((room) => target === room || target.startsWith(room + '/'))) {
        context.report({
          node,
          messageId: 'forbidden',
          data: { text: `${from.room}/ must not import ${target}` },
        });
        return;
      }
      if (from.room !== 'src' || to.room !== 'src') return;
      const a = SRC_ORDER.indexOf(from.subject);
      const b = SRC_ORDER.indexOf(to.subject);
      if (a < 0 || b < 0) {
        const unknown = a < 0 ? from.subject : to.subject;
        context.report({
          node,
          messageId: 'forbidden',
          data: { text: `src/${unknown} has no place in SRC_ORDER` },
        });
      } else if (b > a) {
        context.report({
          node,
          messageId: 'forbidden',
          data: { text: `src/${from.subject} is below src/${to.subject} and must not import it` },
        });
      }
    }
    return { ImportDeclaration: check, ExportNamedDeclaration: check, ExportAllDeclaration: check };
  },
};
