/** DDL of the source while tables are read: what was read does not fit the plan, and is read again. */
export class SourceChanged extends Error {
  override readonly name = 'SourceChanged';
}
