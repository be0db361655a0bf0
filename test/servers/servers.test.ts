import { describe, expect, it } from 'vitest';
import { describeWith, startDatabase, startMariaDb, startNats, startNatsCluster } from './index.js';

describe('test servers', () => {
  it('starts a MariaDB with row binlog, survives a kill, and cleans up', async () => {
    await using server = await startMariaDb();
    await server.query('CREATE DATABASE d');
    await server.query('CREATE TABLE d.t (id INT PRIMARY KEY)');
    await server.query('INSERT INTO d.t VALUES (1)');
    const [format] = await server.query(
      'SELECT @@binlog_format AS f, @@gtid_binlog_pos AS g, @@server_id AS id',
    );
    expect(format).toMatchObject({ f: 'ROW', id: server.serverId });
    expect(String(format?.['g'])).toMatch(/^0-\d+-\d+$/);
    await server.signal('SIGKILL');
    expect(server.running).toBe(false);
    await server.restart();
    expect(await server.query('SELECT id FROM d.t')).toEqual([{ id: 1 }]);
  });

  it('starts nats-server, single and as a cluster', async () => {
    await using single = await startNats();
    expect(single.url).toContain('nats://127.0.0.1:');
    await using cluster = await startNatsCluster();
    expect(cluster.servers).toHaveLength(3);
    await cluster.servers[0]?.signal('SIGKILL');
    await cluster.servers[0]?.restart();
  });
});

for (const kind of ['mysql-9.7', 'mysql-5.6'] as const) {
  await describeWith(kind, 'test servers', () => {
    it('starts with row binlog and GTID, survives a kill', async () => {
      await using server = await startDatabase(kind);
      await server.execute(
        'CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY); INSERT INTO d.t VALUES (1)',
      );
      const [row] = await server.query(
        'SELECT @@binlog_format AS f, @@gtid_mode AS g, @@global.gtid_executed AS e, @@log_bin AS b',
      );
      expect(row).toMatchObject({ f: 'ROW', g: 'ON', b: 1 });
      expect(String(row?.['e'])).toMatch(/^[-0-9a-f]+:1-\d+$/);
      await server.signal('SIGKILL');
      await server.restart();
      expect(await server.query('SELECT id FROM d.t')).toEqual([{ id: 1 }]);
    });
  });
}
