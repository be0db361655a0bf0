/** The source and task files of the quickstart: what a user would write by hand. */
import type { DatabaseAddress } from '../servers/database.js';

export const TASK = 'quickstart';

export interface SourceDescription {
  readonly sourceId: string;
  readonly server: DatabaseAddress;
  readonly flavor: 'mariadb' | 'mysql';
  readonly schemas: readonly string[];
  /** Schemas that get another name in the target. */
  readonly renamed: Readonly<Record<string, string>>;
}

export function sourceFile(source: SourceDescription): string {
  return `source-id: "${source.sourceId}"
flavor: "${source.flavor}"
enable-gtid: true
checker:
  backoff-max: 5s
from:
  host: "${source.server.host}"
  port: ${source.server.port}
  user: "${source.server.user}"
  password: "${source.server.password}"
`;
}

export function taskFile(target: DatabaseAddress, sources: readonly SourceDescription[]): string {
  const routes = sources.flatMap((source) =>
    Object.entries(source.renamed).map(([from, to]) => ({ name: `${source.sourceId}-${from}`, from, to })),
  );
  const instances = sources.map((source) => {
    const rules = Object.keys(source.renamed).map((from) => `"${source.sourceId}-${from}"`);
    return `  - source-id: "${source.sourceId}"
    block-allow-list: "${source.sourceId}"
${rules.length > 0 ? `    route-rules: [${rules.join(', ')}]\n` : ''}`;
  });
  const lists = sources.map(
    (source) => `  ${source.sourceId}:
    do-dbs: [${source.schemas.map((schema) => `"${schema}"`).join(', ')}]
`,
  );
  const routeText = routes.map(
    (route) => `  ${route.name}:
    schema-pattern: "${route.from}"
    target-schema: "${route.to}"
`,
  );
  return `name: ${TASK}
task-mode: all
target-database:
  host: "${target.host}"
  port: ${target.port}
  user: "${target.user}"
  password: "${target.password}"
mysql-instances:
${instances.join('')}block-allow-list:
${lists.join('')}${routes.length > 0 ? `routes:\n${routeText.join('')}` : ''}`;
}

/** The manual's sample data (2.1.3.1). */
export const SAMPLE_DATA = `
drop database if exists \`testdm\`;
create database \`testdm\`;
use \`testdm\`;
create table t1 (id bigint, uid int, name varchar(80), info varchar(100),
  primary key (\`id\`), unique key(\`uid\`)) DEFAULT CHARSET=utf8mb4;
create table t2 (id bigint, uid int, name varchar(80), info varchar(100),
  primary key (\`id\`), unique key(\`uid\`)) DEFAULT CHARSET=utf8mb4;
insert into t1 (id, uid, name) values (1, 10001, 'Gabriel García Márquez'), (2, 10002, 'Cien años de soledad');
insert into t2 (id, uid, name) values (3, 20001, 'José Arcadio Buendía'), (4, 20002, 'Úrsula Iguarán'),
  (5, 20003, 'José Arcadio');
`;
