/**
 * Every benchmark in its small form: it starts its servers, runs ours and the peers once and finds equal
 * data. What the figures are is none of a test's business.
 */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { run } from '../servers/child.js';
import { projectRoot } from '../support/cluster.js';

const folder = path.join(projectRoot(), 'bench');
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.bench.ts'))
  .map((file) => file.slice(0, -'.bench.ts'.length));

describe('benchmarks', () => {
  it.each(names)('%s runs', async (name) => {
    const program = path.join(projectRoot(), 'dist/bench', `${name}.bench.js`);
    const output = await run(process.execPath, ['--enable-source-maps', program, '--smoke'], {
      timeoutMs: 220_000,
    });
    expect(output).toContain('verdict');
    expect(output).not.toContain('NOT EQUAL');
  });
});
