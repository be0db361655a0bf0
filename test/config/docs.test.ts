/** docs/configuration.md names every key that the readers of the files know, with the defaults that they have. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { parseMasterConfig, parseWorkerConfig } from '../../src/config/process-config.js';
import { parseSourceConfig } from '../../src/config/source-config.js';
import { parseTaskConfig } from '../../src/config/task-config.js';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

const PAGE = read('docs/configuration.md');
/** What the pages of routes and filters say about the keys of their rules counts, too. */
const PAGES = [PAGE, ...['tables', 'filters'].map((name) => read(`docs/${name}.md`))].join('\n');

/** Keys that the readers ask for, found in their code. */
function knownKeys(): Set<string> {
  const keys = new Set<string>();
  const files = readdirSync(new URL('../../src/config', import.meta.url)).filter(
    (name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && name !== 'section.ts',
  );
  const asks = [
    /\b(?:section|top|item|security|experimental|refer)\??\s*\.\s*(?:string|optionalString|oneOf|int|optionalInt|number|bool|duration|strings|stringsOrCommas|stringMap|section|named|items|one|many)\(\s*'([\w-]+)'/g,
    /\bread\w+\(\s*(?:section|top|item)(?:\.section)?(?:\(|,)\s*'([\w-]+)'/g,
  ];
  for (const file of files) {
    const code = read(`src/config/${file}`);
    for (const ask of asks) for (const [, key] of code.matchAll(ask)) keys.add(key);
    for (const [, names] of code.matchAll(/\.ignore\(([^)]*)\)/g)) {
      for (const [, key] of names.matchAll(/'([\w-]+)'/g)) keys.add(key);
    }
  }
  return keys;
}

interface Row {
  readonly key: string;
  readonly fallback: string;
}

/** The table behind a heading. */
function tableOf(heading: string): Row[] {
  const start = PAGE.indexOf(`\n${heading}\n`);
  expect(start, heading).toBeGreaterThan(-1);
  const rest = PAGE.slice(start + heading.length + 2);
  const part = rest.slice(0, /^#/m.exec(rest)?.index);
  return [...part.matchAll(/^\| `([\w-]+)`\s*\|\s*(.*?)\s*\| /gm)].map(([, key, fallback]) => ({
    key,
    fallback: fallback === '–' ? '' : fallback.replaceAll('`', '').replaceAll('\\|', '|'),
  }));
}

it('names every key', () => {
  const keys = [...knownKeys()];
  expect(keys.length).toBeGreaterThan(120);
  expect(keys.filter((key) => !PAGES.includes(`\`${key}\``) && !PAGES.includes(`${key}:`))).toEqual([]);
});

const SOURCE = { 'source-id': 'a', from: { host: 'h', user: 'u' } };
const TASK = {
  name: 't',
  'task-mode': 'all',
  'target-database': { host: 'h', user: 'u' },
  'mysql-instances': [{ 'source-id': 'a' }],
};
const task = (more: object): unknown => parseTaskConfig(JSON.stringify({ ...TASK, ...more }), 'task.yaml');
const source = (more: object): unknown => parseSourceConfig(JSON.stringify({ ...SOURCE, ...more }), 's.yaml');
const instance = (more: object): unknown => task({ 'mysql-instances': [{ 'source-id': 'a', ...more }] });
const toml = (more: object): string =>
  Object.entries(more)
    .map(([key, value]) => `${key} = ${JSON.stringify(value)}`)
    .join('\n');
const input = (more: object) => ({ text: toml(more), fileName: 'x.toml', flags: [], hostname: '{host}' });
const unit = (set: string, reference: string) => (more: object) =>
  task({ [set]: { x: more }, 'mysql-instances': [{ 'source-id': 'a', [reference]: 'x' }] });

describe.each<[string, (more: object) => unknown]>([
  ['## dm-master.toml', (more) => parseMasterConfig(input({ name: 'n', ...more }))],
  ['## dm-worker.toml', (more) => parseWorkerConfig(input({ join: 'm:1', ...more }))],
  ['## Source files', source],
  ['### checker', (more) => source({ checker: more })],
  ['## Task files', task],
  ['### mysql-instances', instance],
  ['### mydumpers', unit('mydumpers', 'mydumper-config-name')],
  ['### loaders', unit('loaders', 'loader-config-name')],
  ['### syncers', unit('syncers', 'syncer-config-name')],
])('%s', (heading, config) => {
  it('has the defaults', () => {
    const rows = tableOf(heading);
    expect(rows.length).toBeGreaterThan(3);
    for (const { key, fallback } of rows) {
      if (fallback === '' || fallback.includes('{')) continue;
      const value: unknown =
        heading.endsWith('.toml') && !/^\d+$/.test(fallback) ? fallback : parseYaml(fallback);
      expect({ key, config: config({ [key]: value }) }).toEqual({ key, config: config({}) });
    }
  });

  it('has keys that there are', () => {
    for (const { key } of tableOf(heading)) {
      // A value that no key takes: whatever is wrong, the key is known.
      const wrong = { '\u0000': 1 };
      let message = '';
      try {
        config(heading.endsWith('.toml') ? { [key]: [] } : { [key]: wrong });
      } catch (error) {
        message = String(error);
      }
      expect(message).not.toContain('unknown key "' + key);
    }
  });
});
