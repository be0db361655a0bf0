/**
 * Keys that DM has and this version knows but cannot do yet. A value in `off` means that the feature
 * is not wanted and is always accepted; anything else is refused with 60001, never ignored.
 * Strike the line when the feature works.
 */
export interface NotYet {
  /** Where the key stands; `*` is any name or list index. */
  readonly path: string;
  /** Values that mean "off". Empty lists, empty maps, '' and null always do. */
  readonly off: readonly (string | number | boolean)[];
}

export const SOURCE_NOT_YET: readonly NotYet[] = [
  { path: 'enable-relay', off: [false] },
  { path: 'tracer', off: [] },
];

const LOADER: readonly NotYet[] = [
  { path: 'import-mode', off: ['logical', 'sql', 'loader'] },
  { path: 'pd-addr', off: [] },
  { path: 'security', off: [] },
];

function under(prefixes: readonly string[], keys: readonly NotYet[]): NotYet[] {
  return prefixes.flatMap((prefix) => keys.map((key) => ({ path: `${prefix}.${key.path}`, off: key.off })));
}

export const TASK_NOT_YET: readonly NotYet[] = [
  { path: 'is-sharding', off: [false] },
  { path: 'shard-mode', off: [] },
  { path: 'strict-optimistic-shard-mode', off: [false] },
  { path: 'enable-heartbeat', off: [false] },
  { path: 'routes.*.extract-table', off: [] },
  { path: 'routes.*.extract-schema', off: [] },
  { path: 'routes.*.extract-source', off: [] },
  ...under(['loaders.*', 'mysql-instances.*.loader'], LOADER),
  { path: 'validators.*.mode', off: ['none'] },
  { path: 'mysql-instances.*.validator.mode', off: ['none'] },
  { path: 'experimental.async-checkpoint-flush', off: [false] },
];

/** Values of `task-mode` that DM has and this version cannot do yet. */
export const TASK_MODES_NOT_YET: readonly string[] = ['dump', 'load&sync'];

export const MASTER_NOT_YET: readonly NotYet[] = [
  { path: 'openapi', off: [false] },
  { path: 'http-addr', off: [] },
  { path: 'experimental.openapi', off: [false] },
];

export const WORKER_NOT_YET: readonly NotYet[] = [{ path: 'http-addr', off: [] }];

/** The line of the table that a place in a file falls under. */
export function findNotYet(table: readonly NotYet[], path: readonly string[]): NotYet | undefined {
  return table.find((line) => {
    const parts = line.path.split('.');
    return parts.length === path.length && parts.every((part, i) => part === '*' || part === path[i]);
  });
}
