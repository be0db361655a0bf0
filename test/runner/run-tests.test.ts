import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { temporaryFolder } from '../servers/cache.js';
import { projectRoot } from '../support/cluster.js';
import { runTests } from './run-tests.js';

let root: string;
beforeAll(async () => {
  root = await temporaryFolder('runner');
  await symlink(path.join(projectRoot(), 'node_modules'), path.join(root, 'node_modules'));
  const reporter = path.join(projectRoot(), 'test/runner/summary-reporter.ts');
  await writeFile(
    path.join(root, 'vitest.config.mjs'),
    `export default { test: { reporters: [${JSON.stringify(reporter)}] } };`,
  );
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** Files of tests, each by the number of the try it passes at; gives what `npm test` printed and answered. */
async function run(files: Record<string, number>, args: string[] = []): Promise<[boolean, string]> {
  await rm(path.join(root, 'tests'), { recursive: true, force: true });
  await mkdir(path.join(root, 'tests'));
  for (const [name, passesAt] of Object.entries(files)) {
    await writeFile(
      path.join(root, 'tests', `${name}.test.mjs`),
      `import { appendFileSync, readFileSync } from 'node:fs';
       import { expect, it } from 'vitest';
       appendFileSync(import.meta.filename + '.tries', '.');
       it('holds', () => expect(1).toBe(1));
       it('comes', () => expect(readFileSync(import.meta.filename + '.tries').length).toBe(${passesAt}));`,
    );
  }
  let printed = '';
  const passed = await runTests({ root, args, print: (text) => (printed += text) });
  return [passed, printed];
}

it('gives files that fail one more try, and says so', async () => {
  expect(await run({ a: 1, b: 2 })).toEqual([
    true,
    '\nsecond try of tests/b.test.mjs\n' +
      'tests/b.test.mjs: failed at the first try, passed at the second\n4 passed, 0 failed\n',
  ]);
  expect(await run({ a: 1, b: 3 })).toEqual([
    false,
    '\nsecond try of tests/b.test.mjs\n' +
      'tests/b.test.mjs: failed at the first try, and at the second\n3 passed, 1 failed\n',
  ]);
});

it('gives none to many files, nor to a selection', async () => {
  expect(await run({ a: 2, b: 2, c: 2, d: 2 })).toEqual([false, '4 passed, 4 failed\n']);
  expect(await run({ a: 1, b: 2 }, ['tests/b'])).toEqual([false, '1 passed, 1 failed\n']);
});
