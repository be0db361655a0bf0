/** `query-status --why` as text for people. */
import type { JsonObject } from '../api/request.js';
import type { Why } from '../api/why.js';
import type { Cause } from '../api/why-causes.js';

interface Explained {
  readonly sources: readonly {
    readonly msg: string;
    readonly sourceStatus: { readonly source: string; readonly worker: string };
    readonly subTaskStatus: readonly { readonly name: string; readonly why: Why }[];
  }[];
}

export function formatWhy(answer: JsonObject): string {
  const { sources } = answer as unknown as Explained;
  const blocks = sources.flatMap(({ sourceStatus, subTaskStatus }) =>
    subTaskStatus.map(({ name, why }) => subtask(name, sourceStatus, why)),
  );
  return blocks.length === 0 ? 'no task runs on these sources\n' : blocks.join('\n');
}

function subtask(name: string, { source, worker }: { source: string; worker: string }, why: Why): string {
  const where = worker === '' ? 'no worker' : worker;
  const lines = [
    `${name} on ${source} (${where}): ${why.stage}${why.unit === 'InvalidUnit' ? '' : `, ${why.unit}`}`,
  ];
  const line = (label: string, text: string): void => {
    if (text !== '')
      lines.push(`  ${`${label}:`.padEnd(12)} ${text.replaceAll('\n', `\n${' '.repeat(15)}`)}`);
  };
  line('why', why.text);
  line('since', why.since === '' ? '' : `${why.since} (${duration(why.sinceSeconds)})`);
  line('waits for', why.waitsFor);
  line('bottleneck', why.bottleneck);
  for (const cause of why.causes) for (const [label, text] of causeLines(cause)) line(label, text);
  const { autoResume } = why;
  if (autoResume !== null) {
    const tries = `tries so far: ${autoResume.tries}`;
    line(
      'auto-resume',
      autoResume.nextTryAt === ''
        ? `${autoResume.givesUpBecause === '' ? 'trying now' : `none, because ${autoResume.givesUpBecause}`}; ${tries}`
        : `next try at ${autoResume.nextTryAt} (in ${autoResume.nextTryInSeconds} s); ${tries}`,
    );
  }
  for (const way of why.waysOut) {
    line('way out', way.command === '' ? way.what : `${way.command}\n${way.what}`);
  }
  return `${lines.join('\n')}\n`;
}

function causeLines(cause: Cause): [label: string, text: string][] {
  switch (cause.type) {
    case 'error':
      return [['error', `${cause.code} (${cause.class}, ${cause.scope}, ${cause.level}): ${cause.message}`]];
    case 'location':
      return [
        ['from', cause.startLocation],
        ['to', cause.endLocation],
      ];
    case 'statement':
      return [['statement', cause.sql]];
    case 'raw':
      return [['cause', cause.text]];
    case 'table':
      return [['table', `${cause.table}: ${cause.text}`]];
    case 'placement':
      return [['placement', cause.text]];
    case 'command':
      return [['command', cause.text]];
  }
}

function duration(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}
