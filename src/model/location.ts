/**
 * A place in a source's binlog: after the event that ends at `pos` of file `name`.
 * `gtidSet` is the executed set up to there in the flavour's own text form, '' when unknown.
 */
export interface BinlogLocation {
  readonly name: string;
  /** Byte offset, up to 2^53; files over 4 GB are legal though events store 32 bits. */
  readonly pos: number;
  readonly gtidSet: string;
}

export const NO_LOCATION: BinlogLocation = { name: '', pos: 0, gtidSet: '' };

/** (mysql-bin.000001, 154): the form of DM's status answers. */
export function formatPosition(location: Pick<BinlogLocation, 'name' | 'pos'>): string {
  return `(${location.name}, ${location.pos})`;
}

/** position: (file, pos), gtid-set: ...: the form inside DM's sync errors, which scripts parse. */
export function formatLocation(location: BinlogLocation): string {
  return `position: ${formatPosition(location)}, gtid-set: ${location.gtidSet}`;
}

/**
 * Orders two binlog file names by their numeric suffix (`bin.999999` < `bin.1000000`).
 * Names of different base compare by base.
 */
export function compareBinlogNames(a: string, b: string): number {
  if (a === b) return 0;
  const dotA = a.lastIndexOf('.');
  const dotB = b.lastIndexOf('.');
  const baseA = a.slice(0, dotA);
  const baseB = b.slice(0, dotB);
  if (baseA !== baseB) return baseA < baseB ? -1 : 1;
  const diff = Number(a.slice(dotA + 1)) - Number(b.slice(dotB + 1));
  return diff === 0 ? 0 : diff < 0 ? -1 : 1;
}

/** Orders two places of one server's binlog by file and offset; GTID sets play no part. */
export function comparePositions(
  a: Pick<BinlogLocation, 'name' | 'pos'>,
  b: Pick<BinlogLocation, 'name' | 'pos'>,
): number {
  return compareBinlogNames(a.name, b.name) || Math.sign(a.pos - b.pos);
}
