import { describe, expect, it } from 'vitest';
import { startMariaDb, startNats, startNatsCluster } from './index.js';

describe('test servers', () => {
  it('starts a MariaDB with row binlog, survives a kill, and cleans up', async () => {
    await using server = await startMariaDb();
    await server.query('CREATE DATABASE d');
    await server.query('CREATE TABLE d.t (id INT PRIMARY KEY)');
    await server.query('INSERT INTO d.t VALUES (1)');
    const [format] = await server.query(
      'SELECT @@binlog_format AS f, @@gtid_binlog_pos AS g, @@server_id AS id',
    );
    expect(format).toMatchObject({ f: 'ROW', id: String(server.serverId) });
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
