import type { Connection } from 'mysql2/promise';
import { SeededRandom } from './seeded-random.js';

const ROWS_PER_STATEMENT = 1_000;

/** Creates `schema`.`table` as sysbench does and fills it with about 190 bytes a row; same seed, same rows. */
export async function createSysbenchTable(
  connection: Connection,
  options: {
    schema: string;
    table: string;
    rows: number;
    seed?: number;
    onProgress?: (rows: number) => void;
  },
): Promise<void> {
  const name = `\`${options.schema}\`.\`${options.table}\``;
  const random = new SeededRandom(options.seed ?? 1);
  await connection.query(`CREATE DATABASE IF NOT EXISTS \`${options.schema}\``);
  await connection.query(
    `CREATE TABLE ${name} (
       id INT NOT NULL AUTO_INCREMENT, k INT NOT NULL DEFAULT 0,
       c CHAR(120) NOT NULL DEFAULT '', pad CHAR(60) NOT NULL DEFAULT '',
       PRIMARY KEY (id), KEY k_1 (k)
     ) DEFAULT CHARSET=utf8mb4`,
  );
  for (let done = 0; done < options.rows; done += ROWS_PER_STATEMENT) {
    const count = Math.min(ROWS_PER_STATEMENT, options.rows - done);
    const values: string[] = [];
    for (let i = 0; i < count; i++) {
      const k = random.int(1, options.rows);
      values.push(`(${done + i + 1},${k},'${random.digits(119)}','${random.digits(59)}')`);
    }
    await connection.query(`INSERT INTO ${name} (id, k, c, pad) VALUES ${values.join(',')}`);
    options.onProgress?.(done + count);
  }
}
