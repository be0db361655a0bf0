import { describe, expect, it } from 'vitest';
import { inexactTables, type CopiedSpan, type DdlPlace } from './inexact.js';

const at = (pos: number) => ({ name: 'bin.000001', pos });
const name = (table: string) => ({ schema: 'd', table });
const span = (table: string, p: number, readUntil = p): CopiedSpan => ({
  source: name(table),
  location: at(p),
  readUntil: at(readUntil),
});
const ddl = (pos: number, ...tables: string[]): DdlPlace => ({ at: at(pos), names: tables.map(name) });
const again = (ddls: DdlPlace[], spans: CopiedSpan[]) =>
  inexactTables(ddls, spans)
    .map(({ table }) => table)
    .sort();

describe('tables that must be copied again', () => {
  it('are none without statements, or with statements after all reading', () => {
    expect(again([], [span('a', 10, 50)])).toEqual([]);
    expect(again([ddl(50, 'a'), ddl(60, 'a', 'b')], [span('a', 10, 50), span('b', 10, 40)])).toEqual([]);
    expect(again([ddl(5, 'a')], [span('a', 10, 50)])).toEqual([]);
  });

  it('are those that a statement touched before they were read', () => {
    expect(again([ddl(10, 'a')], [span('a', 10, 11), span('b', 10, 90)])).toEqual(['a']);
    expect(again([ddl(30, 'b')], [span('a', 10, 20), span('b', 10, 90)])).toEqual(['b']);
  });

  it('are those that a statement touched between two of their chunks', () => {
    expect(again([ddl(30, 'a')], [span('a', 10, 15), span('a', 40, 45)])).toEqual(['a']);
    expect(again([ddl(40, 'a')], [span('a', 10, 15), span('a', 40, 40)])).toEqual([]);
  });

  it('are all names of a statement that comes between their places', () => {
    // a was copied before the rename, b after it.
    expect(again([ddl(30, 'a', 'b')], [span('a', 10, 15), span('b', 40, 45)])).toEqual(['a', 'b']);
    // A name that the copy does not have was made after its beginning.
    expect(again([ddl(30, 'b', 'c')], [span('b', 40, 45)])).toEqual(['b', 'c']);
    expect(again([ddl(30, 'a', 'c')], [span('a', 10, 15), span('b', 40)])).toEqual([]);
  });

  it('draw in what statements connect them with', () => {
    const spans = [span('a', 10, 35), span('b', 10, 15), span('c', 10, 15), span('d', 10, 15)];
    expect(again([ddl(30, 'a', 'b'), ddl(50, 'b', 'c'), ddl(60, 'd')], spans)).toEqual(['a', 'b', 'c']);
  });

  it('are all of a database that is dropped between their places', () => {
    const drop = { at: at(30), names: [{ schema: 'd', table: '' }] };
    expect(again([drop, ddl(35, 'n')], [span('a', 10, 15), span('b', 40, 45)])).toEqual(['a', 'b', 'n']);
    expect(again([drop], [span('a', 10, 15), span('b', 10, 15)])).toEqual([]);
  });
});
