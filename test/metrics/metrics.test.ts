/** Metrics as Prometheus reads them from a worker, and what `query-status --why` says of the bottleneck. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { serveMetrics, serveMetricsIfFree } from '../../src/http/metrics-server.js';
import { masterMetrics } from '../../src/metrics/master-metrics.js';
import { collectingLog, silentLog } from '../copy/support.js';
import { ErrorSetup } from '../handle-error/support.js';
import { waitFor } from '../support/wait-for.js';

let setup: ErrorSetup;
beforeAll(async () => {
  setup = await ErrorSetup.start({ workers: 2 });
});
afterAll(() => setup?.stop());

/** Of the worker that has source `one`. */
async function scrape(): Promise<string> {
  const { one } = await setup.nats.placements();
  const response = await fetch(`http://${setup.cluster.worker(one!).addr}/metrics`);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toContain('text/plain');
  return response.text();
}

/** The figure of a task; NaN where it is not told. */
function figure(text: string, name: string, task: string, more = ''): number {
  const line = text
    .split('\n')
    .find((one) => one.startsWith(`${name}{`) && one.includes(`task="${task}"`) && one.includes(more));
  return line === undefined ? NaN : Number(line.slice(line.lastIndexOf(' ')));
}

async function untilFigure(
  name: string,
  task: string,
  isRight: (value: number) => boolean,
  more = '',
): Promise<void> {
  let last = '';
  await waitFor(
    async () => {
      last = await scrape();
      return isRight(figure(last, name, task, more));
    },
    {
      what: `${name} of ${task}`,
      details: () =>
        last
          .split('\n')
          .filter((line) => line.includes(task))
          .join('\n'),
    },
  );
}

it('tells rows, transactions, DDL, lag and where time goes of a task, and forgets one that is stopped', async () => {
  await setup.replicating('figures', {
    one: ['CREATE TABLE t (id INT PRIMARY KEY)', 'INSERT INTO t VALUES (1)'],
  });
  await setup.run(
    'one',
    'figures',
    'INSERT INTO t VALUES (2),(3)',
    'ALTER TABLE t ADD v INT',
    'DELETE FROM t',
  );
  await untilFigure('sluice_sync_rows_total', 'figures', (rows) => rows === 5);
  await untilFigure('sluice_sync_ddls_total', 'figures', (ddls) => ddls === 1);
  await untilFigure('dm_syncer_replication_lag_gauge', 'figures', (seconds) => seconds === 0);
  const text = await scrape();
  expect(figure(text, 'dm_worker_task_state', 'figures')).toBe(2);
  expect(figure(text, 'dm_syncer_finished_transaction_total', 'figures')).toBeGreaterThanOrEqual(3);
  expect(figure(text, 'sluice_sync_binlog_bytes_total', 'figures')).toBeGreaterThan(300);
  expect(figure(text, 'sluice_sync_packets_total', 'figures')).toBeGreaterThan(0);
  expect(figure(text, 'sluice_sync_seconds_total', 'figures', 'phase="read"')).toBeGreaterThan(0);
  expect(text).toMatch(/^process_resident_memory_bytes \d+/m);
  await setup.nats.must('pause-task', { task: 'figures' });
  await untilFigure('dm_worker_task_state', 'figures', (stage) => stage === 3);
  await setup.nats.must('stop-task', { task: 'figures' });
  await untilFigure('dm_worker_task_state', 'figures', (stage) => Number.isNaN(stage));
});

it('tells tables that are set aside, and errors that end a unit', async () => {
  const tables = { one: ['CREATE TABLE t (id INT PRIMARY KEY)', 'CREATE TABLE u (id INT PRIMARY KEY)'] };
  await setup.replicating('aside', tables, {
    extra: 'syncers:\n  global: {on-table-error: isolate}\n',
    instance: () => '    syncer-config-name: global\n',
  });
  await setup.runOnTarget('aside', 'INSERT INTO t VALUES (1)');
  await setup.run('one', 'aside', 'INSERT INTO t VALUES (1)', 'INSERT INTO u VALUES (1)');
  await untilFigure('sluice_isolated_tables', 'aside', (count) => count === 1);
  await untilFigure('sluice_isolated_changes', 'aside', (changes) => changes === 1, 'state="parked"');
  const shown = await setup.cluster.dmctl(['query-status', 'aside', '--why']);
  expect(shown.stdout).toMatch(/\n {2}table: +`aside`\.`t`: set aside since .* 1 changes? of it/);
  expect(shown.stdout).toMatch(/dmctl isolation retry -s one aside --table aside\.t/);
  await setup.replicating('fails', { one: ['CREATE TABLE t (id INT PRIMARY KEY)'] });
  await setup.runOnTarget('fails', 'INSERT INTO t VALUES (1)');
  await setup.run('one', 'fails', 'INSERT INTO t VALUES (1)');
  await untilFigure('dm_syncer_exit_with_error_count', 'fails', (count) => count >= 1);
  await setup.stopTasks();
});

it('says by query-status --why what keeps a task from going faster', async () => {
  await setup.replicating(
    'slow',
    { one: ['CREATE TABLE t (id INT PRIMARY KEY)'] },
    {
      extra: 'syncers:\n  global: {max-rows-per-second: 5}\n',
      instance: () => '    syncer-config-name: global\n',
    },
  );
  for (let id = 0; id < 200; id++) await setup.run('one', 'slow', `INSERT INTO t VALUES (${id})`);
  await waitFor(
    async () => {
      const { stdout } = await setup.cluster.dmctl(['query-status', 'slow', '--why']);
      return /\n {2}bottleneck: +limit: max-rows-per-second keeps it back \d+ % of the time\n/.test(stdout);
    },
    { what: 'the limit to be named' },
  );
  await untilFigure('sluice_sync_limited', 'slow', (one) => one === 1, 'by="max-rows-per-second"');
  await setup.stopTasks();
});

it('serves masters too; an address of others is an error where it was asked for', async () => {
  const collect = () => Promise.resolve(masterMetrics('m1', true));
  const server = await serveMetrics({ addr: '127.0.0.1:0', log: silentLog, collect });
  const addr = `127.0.0.1:${server.port}`;
  try {
    const text = await (await fetch(`http://${addr}/metrics`)).text();
    expect(text).toContain('sluice_master_leading{master="m1"} 1\n');
    expect((await fetch(`http://${addr}/other`)).status).toBe(404);
    expect((await fetch(`http://${addr}/metrics`, { method: 'POST' })).status).toBe(405);
    await expect(serveMetrics({ addr, log: silentLog, collect })).rejects.toMatchObject({ code: 60210 });
    const log = collectingLog();
    expect(await serveMetricsIfFree({ addr: '', fallback: addr, log, collect })).toBeNull();
    expect(log.lines.join()).toContain('metrics are not served');
  } finally {
    await server.close();
  }
});
