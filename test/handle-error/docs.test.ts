/** The example of docs/handle-error.md, as it stands there. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { splitWords } from '../../src/config/extra-args.js';
import { taskYaml, address } from '../lifecycle/support.js';
import { ErrorSetup } from './support.js';

let setup: ErrorSetup;
beforeAll(async () => {
  setup = await ErrorSetup.start();
});
afterAll(() => setup?.stop());

it('works', async () => {
  const text = await readFile(new URL('../../docs/handle-error.md', import.meta.url), 'utf8');
  const example = text.slice(text.indexOf('## Example'), text.indexOf('## Rules'));
  const blocks = (language: string) =>
    [...example.matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\``, 'gm'))].map((match) => match[1]!);
  const [onTarget, onSource] = blocks('sql');
  const [command] = blocks('sh');
  const [shown] = blocks('json');

  await setup.sources.one.execute(
    'CREATE DATABASE db1; CREATE TABLE db1.tbl1 (c1 INT PRIMARY KEY, c2 DECIMAL(11,3)); INSERT INTO db1.tbl1 VALUES (1,1)',
  );
  await setup.nats.must('start-task', {
    task: taskYaml({ name: 'test', target: address(setup.target), sources: ['one'], schemas: ['db1'] }),
  });
  await setup.running('test');
  await setup.target.execute(onTarget!);
  await setup.sources.one.execute(onSource!);
  await setup.sources.one.execute('INSERT INTO db1.tbl1 VALUES (2,2,2)');
  await setup.pausedBy('test', /Duplicate key name 'idx_new'/);

  const [dmctl, ...args] = splitWords(command!) ?? [];
  expect(dmctl).toBe('dmctl');
  const { json } = await setup.cluster.must(args);
  const expected = JSON.parse(shown!);
  expected.sources[0].source = 'one';
  expected.sources[0].worker = expect.stringMatching(/^worker\d$/);
  expect(json).toEqual(expected);
  await setup.equal('db1.tbl1');
});
