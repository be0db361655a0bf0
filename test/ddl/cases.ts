/** Statements that a source may run and that must arrive exactly, with rows before and after them. */
import { STRUCTURE } from './cases-structure.js';
import { TABLES } from './cases-tables.js';
import { TEXT } from './cases-text.js';
import type { DdlCase } from './support.js';

export const CASES: readonly DdlCase[] = [...TABLES, ...STRUCTURE, ...TEXT];
