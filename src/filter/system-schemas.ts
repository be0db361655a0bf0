/** Schemas that are the server's or ours and never migrated, whatever the rules say. */
const SYSTEM_SCHEMAS: ReadonlySet<string> = new Set([
  'mysql',
  'information_schema',
  'performance_schema',
  'sys',
  'inspection_schema',
  'metrics_schema',
  'dm_heartbeat',
]);

/** Compares without case, as the servers treat these names. */
export function isSystemSchema(schema: string): boolean {
  return SYSTEM_SCHEMAS.has(schema.toLowerCase());
}
