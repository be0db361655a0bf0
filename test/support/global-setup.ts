/** Fetches the servers before the first test, so that no test's time limit pays for a download. */
import { available } from '../servers/availability.js';
import { prepareMariaDb } from '../servers/mariadb.js';
import { natsBinary } from '../servers/nats.js';

export default async function setup(): Promise<void> {
  await Promise.all([prepareMariaDb(), natsBinary()]);
  for (const kind of ['mysql-9.7', 'mysql-5.6'] as const) {
    const state = await available(kind);
    if (!state.ok) process.stderr.write(`tests with ${kind} are skipped: missing ${state.missing}\n`);
  }
}
