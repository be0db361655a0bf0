/** query-status --why: for each way to be stuck what it is, since when, why, and a command that leads out. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { DatabaseServer } from '../servers/database.js';
import { projectRoot, type TestCluster } from '../support/cluster.js';
import { waitFor } from '../support/wait-for.js';
import type { BareClient } from '../lifecycle/support.js';
import { address, taskYaml, untilEqual, type Answer } from '../lifecycle/support.js';
import { useOneCluster } from '../lifecycle/one-cluster.js';

let upstream: DatabaseServer;
let target: DatabaseServer;
let cluster: TestCluster;
let nats: BareClient;

useOneCluster(
  { workers: 1, keepaliveTtl: 3, source: 'one' },
  (all) => ({ upstream, target, cluster, nats } = all),
);

const details = () => cluster.describe();

async function replicating(schema: string): Promise<void> {
  await upstream.execute(
    `CREATE DATABASE ${schema}; CREATE TABLE ${schema}.t (id INT PRIMARY KEY, v VARCHAR(20)); INSERT INTO ${schema}.t VALUES (1,'a')`,
  );
  await nats.must('start-task', {
    task: taskYaml({ name: schema, target: address(target), sources: ['one'] }),
  });
  await nats.untilSync(schema);
}

async function why(task: string): Promise<Answer> {
  const answer = await nats.must('query-status', { task, why: true });
  return answer.sources[0].subTaskStatus[0].why;
}
async function untilWhy(task: string, reason: string): Promise<Answer> {
  let last: Answer;
  return waitFor(
    async () => {
      last = await why(task);
      return last.reason === reason ? last : false;
    },
    {
      what: `${task} to be ${reason}`,
      intervalMs: 50,
      details: () => `${JSON.stringify(last, null, 1)}\n${details()}`,
    },
  );
}
const commands = (answer: Answer): string[] => answer.waysOut.map((way: { command: string }) => way.command);
const fresh = {
  sinceSeconds: expect.any(Number) as number,
  since: expect.stringMatching(/^\d{4}-.*Z$/) as string,
};

async function pausedByUser(task: string): ReturnType<typeof untilWhy> {
  await nats.must('pause-task', { task });
  return untilWhy(task, 'paused-by-user');
}

describe('why a subtask is where it is', () => {
  it('replicating, then paused by the user, in text as well', async () => {
    await replicating('user');
    expect(await untilWhy('user', 'replicating')).toMatchObject({
      stage: 'Running',
      unit: 'Sync',
      waitsFor: '',
      text: 'It replicates and has all that the source has.',
      ...fresh,
    });
    await nats.must('pause-task', { task: 'user' });
    const paused = await why('user');
    expect(paused).toMatchObject({
      reason: 'paused-by-user',
      stage: 'Paused',
      waitsFor: 'resume-task',
      causes: [],
      autoResume: { enabled: true, nextTryAt: '', tries: 0, givesUpBecause: 'it was paused by pause-task' },
      ...fresh,
    });
    expect(commands(paused)).toEqual(['dmctl resume-task -s one user']);
    const shown = await shownText('user');
    expect(shown).toMatch(/^user on one \(worker1\): Paused, Sync\n/);
    expect(shown).toMatch(/\n {2}why: +It was paused by pause-task and stays so until it is resumed\.\n/);
    expect(shown).toMatch(/\n {2}since: +\d{4}-\d\d-\d\dT.*Z \(\d+ s\)\n/);
    expect(shown).toMatch(/\n {2}auto-resume: none, because it was paused by pause-task; tries so far: 0\n/);
    expect(shown).toMatch(/\n {2}way out: +dmctl resume-task -s one user\n/);
    // As the page shows it.
    const page = await readFile(path.join(projectRoot(), 'docs/status.md'), 'utf8');
    expect(withoutTimes(page)).toContain(withoutTimes(shown));
    // The way out leads out.
    const [words] = commands(paused).map((line) => line.replace('dmctl ', '').split(' '));
    await cluster.must(words ?? []);
    await untilWhy('user', 'replicating');
    await nats.must('stop-task', { task: 'user' });
  });

  it('paused by an error of which there is no hope, with its chain of causes', async () => {
    await replicating('hopeless');
    await target.execute("INSERT INTO hopeless.t VALUES (2, 'mine')");
    await upstream.execute("INSERT INTO hopeless.t VALUES (2, 'theirs')");
    const answer = await untilWhy('hopeless', 'paused-by-error');
    expect(answer.text).toContain('the target would answer with the error 1062 again');
    expect(answer.autoResume).toMatchObject({
      nextTryAt: '',
      givesUpBecause: expect.stringContaining('1062') as string,
    });
    expect(answer.causes[0]).toMatchObject({ type: 'error', code: 10006, scope: 'downstream' });
    const location = answer.causes.find((cause: { type: string }) => cause.type === 'location');
    expect(location?.startLocation).toMatch(/^position: \(mysql-bin\.\d+, \d+\), gtid-set: /);
    const raw = answer.causes.find((cause: { type: string }) => cause.type === 'raw');
    expect(raw?.text).toContain('Duplicate entry');
    expect(commands(answer)).toContain('dmctl resume-task -s one hopeless');
    expect(await shownText('hopeless')).toMatch(/\n {2}cause: +.*Duplicate entry/);
    await target.execute('DELETE FROM hopeless.t WHERE id = 2');
    await nats.must('resume-task', { task: 'hopeless' });
    await untilEqual(upstream, target, 'hopeless.t', { details });
    await nats.must('stop-task', { task: 'hopeless' });
  });

  it('a statement that the target refuses: skip and replace are ways out', async () => {
    await replicating('refused');
    await target.execute("INSERT INTO refused.t VALUES (5,'x'),(6,'x')");
    await upstream.execute('ALTER TABLE refused.t ADD UNIQUE KEY uk (v)');
    const answer = await untilWhy('refused', 'paused-by-error');
    expect(answer.causes.map((cause: { type: string }) => cause.type)).toEqual([
      'error',
      'location',
      'statement',
      'raw',
    ]);
    expect(answer.causes[2].sql).toBe('ALTER TABLE refused.t ADD UNIQUE KEY uk (v)');
    expect(commands(answer)).toEqual(
      expect.arrayContaining(['dmctl binlog skip -s one refused', 'dmctl resume-task -s one refused']),
    );
    await cluster.must(['binlog', 'skip', '-s', 'one', 'refused']);
    await untilWhy('refused', 'replicating');
    await nats.must('stop-task', { task: 'refused' });
  });

  it('backing off after an error that may pass; a pause ends the tries', async () => {
    await replicating('passing');
    await target.execute('DROP TABLE passing.t');
    await upstream.execute("INSERT INTO passing.t VALUES (2,'b')");
    const answer = await untilWhy('passing', 'backing-off');
    expect(answer.waitsFor).toMatch(/^the next try at \d{4}-/);
    expect(answer.autoResume).toMatchObject({ enabled: true, givesUpBecause: '' });
    expect(Date.parse(String(answer.autoResume.nextTryAt))).toBeGreaterThan(Date.parse(String(answer.since)));
    await waitFor(async () => ((await why('passing')).autoResume?.tries ?? 0) > 0, { what: 'a try' });
    await untilWhy('passing', 'backing-off');
    // Whether it waits or tries just now.
    await waitFor(async () => /tries so far: [1-9]\d*\n/.test(await shownText('passing')), {
      what: 'the tries',
    });
    let paused = await pausedByUser('passing');
    // A pause that meets a try at work finds a subtask that runs.
    while (!paused.text.includes('It had failed before')) {
      await nats.must('resume-task', { task: 'passing' });
      await untilWhy('passing', 'backing-off');
      paused = await pausedByUser('passing');
    }
    expect(paused.text).toContain('It had failed before, and is not resumed by itself');
    expect(paused.autoResume).toMatchObject({ nextTryAt: '', givesUpBecause: 'it was paused by pause-task' });
    const { tasks } = await nats.must('query-status');
    expect(tasks[0].taskStatus).toMatch(/^Error - Some error occurred in subtask/);
    await target.execute(
      "CREATE TABLE passing.t (id INT PRIMARY KEY, v VARCHAR(20)); INSERT INTO passing.t VALUES (1,'a')",
    );
    await nats.must('resume-task', { task: 'passing' });
    await untilEqual(upstream, target, 'passing.t', { details });
    await nats.must('stop-task', { task: 'passing' });
  });

  it('running and behind', async () => {
    await replicating('behind');
    const blocker = await target.connect();
    try {
      await blocker.query('LOCK TABLES behind.t WRITE');
      await upstream.execute("INSERT INTO behind.t VALUES (2,'b')");
      const answer = await untilWhy('behind', 'behind');
      expect(answer).toMatchObject({ stage: 'Running', unit: 'Sync', ...fresh });
      expect(answer.text).toMatch(
        /^It replicates and is \d+ s behind: \d+ rows and \d+ events a second just now\.$/,
      );
      expect(answer.causes[0]).toMatchObject({ type: 'location' });
      expect(commands(answer)).toContain('dmctl query-status -s one behind');
    } finally {
      await blocker.query('UNLOCK TABLES');
      await blocker.end();
    }
    await untilWhy('behind', 'replicating');
  });

  it('no worker, and what its worker said last', async () => {
    await cluster.worker('worker1').signal('SIGKILL');
    const silent = await why('behind');
    expect(['worker-silent', 'no-worker']).toContain(silent.reason);
    const answer = await untilWhy('behind', 'no-worker');
    expect(answer).toMatchObject({
      text: 'The source one has no worker, so nothing of it runs.',
      waitsFor: 'a free worker',
      causes: [
        {
          type: 'placement',
          text: expect.stringContaining('it was last on worker1, which is offline') as string,
        },
      ],
    });
    expect(commands(answer)).toContain('dmctl list-member --worker');
    expect(await shownText('behind')).toMatch(/^behind on one \(no worker\): Running, Sync\n/);
    await cluster.worker('worker1').restart();
    await untilWhy('behind', 'replicating');
  });
});

function withoutTimes(text: string): string {
  return text.replace(/\d{4}-\S+Z \(\d+ s\)/g, '<time>');
}

async function shownText(task: string): Promise<string> {
  const { stdout, stderr, code } = await cluster.dmctl(['query-status', task, '--why']);
  if (code !== 0) throw new Error(stdout + stderr);
  return stdout;
}
