import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { probeSource } from '../../src/check/probe-source.js';
import { runChecks } from '../../src/check/run-checks.js';
import { checkFailure, summarize } from '../../src/check/types.js';
import { describeWith, startDatabase } from '../servers/index.js';
import { dbConfig, subtaskConfig } from './support.js';

type Server = Awaited<ReturnType<typeof startDatabase>>;

const SETUP = `CREATE DATABASE d; CREATE TABLE d.good (id INT PRIMARY KEY, u INT, FOREIGN KEY fk (u) REFERENCES d.good (id));
  CREATE TABLE d.bare (a INT, b INT NULL, UNIQUE KEY (b));
  CREATE USER poor IDENTIFIED BY 'Poor-Pass.1'; GRANT SELECT ON d.* TO poor;
  CREATE ROLE migrator; GRANT REPLICATION SLAVE, REPLICATION CLIENT, RELOAD ON *.* TO migrator;
  CREATE USER rich IDENTIFIED BY 'Poor-Pass.1'; GRANT migrator TO rich; GRANT SELECT ON *.* TO rich;`;

function cases(kind: 'mariadb-10.11' | 'mysql-9.7'): void {
  let server: Server;
  beforeAll(async () => {
    server = await startDatabase(kind, kind === 'mariadb-10.11' ? { rowImage: 'minimal' } : {});
    await server.execute(SETUP);
    const defaults =
      kind === 'mariadb-10.11' ? 'SET DEFAULT ROLE migrator FOR rich' : 'SET DEFAULT ROLE migrator TO rich';
    await server.execute(defaults);
  });
  afterAll(() => server?.stop());
  const as = (user: string) => ({
    host: server.host,
    port: server.port,
    user,
    password: 'Poor-Pass.1',
    flavor: server.flavor,
  });

  it('tells what a source is', async () => {
    const probe = await probeSource({ from: dbConfig(server) });
    expect(probe).toMatchObject({ flavor: server.flavor, serverId: server.serverId, gtidMode: true });
    await expect(probeSource({ from: dbConfig(server, { password: 'wrong' }) })).rejects.toMatchObject({
      code: 10001,
      scope: 'upstream',
      rawCause: expect.stringContaining('Access denied') as unknown,
    });
    await expect(probeSource({ from: dbConfig(server, { port: 1 }) })).rejects.toMatchObject({ code: 10001 });
  });

  it('passes an administrator, warns of tables', async () => {
    const results = await runChecks(subtaskConfig(server, server));
    const bad = results.filter((result) => result.state !== 'success');
    expect(bad.map((result) => result.name)).toEqual([
      ...(kind === 'mariadb-10.11' ? ['mysql_binlog_row_image'] : []),
      'table structure compatibility check',
    ]);
    expect(bad.at(-1)?.errorMsg).toContain('`d`.`bare`: primary/unique key does not exist');
    expect(bad.at(-1)?.errorMsg).not.toContain('`d`.`good`: primary');
  });

  it('finds missing privileges', async () => {
    const results = await runChecks(subtaskConfig(as('poor'), server));
    const failed = results.filter((result) => result.state === 'fail').map((result) => result.errorMsg);
    expect(failed).toContain('lack of REPLICATION SLAVE, REPLICATION CLIENT privileges');
    const error = checkFailure(results);
    expect(error?.code).toBe(26005);
    expect(error?.message).toContain('"state": "fail"');
    expect(summarize(results).passed).toBe(false);
  });

  it('counts what a role gives', async () => {
    const config = subtaskConfig(as('rich'), server, {
      ignoreCheckingItems: ['binlog_row_image', 'table_schema'],
    });
    const results = await runChecks(config);
    expect(results.filter((result) => result.state !== 'success')).toEqual([]);
    expect(await runChecks({ ...config, ignoreCheckingItems: ['all'] })).toEqual([]);
  });
}

describe('the precheck of MariaDB', () => cases('mariadb-10.11'));
await describeWith('mysql-9.7', 'the precheck of MySQL', () => {
  cases('mysql-9.7');
});
