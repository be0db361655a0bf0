/** Names of dump files in Dumpling's layout. */
import type { TableName } from '../model/table-name.js';
import type { FileFormat } from './row-format.js';

/** As Dumpling: what could mislead a reader of the name or a file system is percent-encoded. */
function part(name: string): string {
  return name.replace(/[^\p{L}\p{N}_$ @#()+,;=!~^{}-]/gu, (c) =>
    [...Buffer.from(c, 'utf8')]
      .map((byte) => '%' + byte.toString(16).toUpperCase().padStart(2, '0'))
      .join(''),
  );
}

export function schemaCreateFile(schema: string): string {
  return `${part(schema)}-schema-create.sql`;
}

export function tableSchemaFile(name: TableName): string {
  return `${part(name.schema)}.${part(name.table)}-schema.sql`;
}

/** Chunk and part are both from 0; Dumpling numbers chunks by 9 digits and files of one by 4 more. */
export function chunkFile(name: TableName, chunk: number, file: number, format: FileFormat): string {
  const number = String(chunk).padStart(9, '0') + String(file).padStart(4, '0');
  return `${part(name.schema)}.${part(name.table)}.${number}.${format}`;
}

export const METADATA_FILE = 'metadata';
