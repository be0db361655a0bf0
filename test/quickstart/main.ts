/**
 * `npm run quickstart`: a whole migration on real servers, with the death of the worker that does it, and a
 * proof that the data are equal. `npm run playground` leaves it running instead and prints what to try.
 */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { temporaryFolder } from '../servers/cache.js';
import { projectRoot } from '../support/cluster.js';
import { Quickstart } from './quickstart.js';
import { Screen } from './screen.js';

async function main(): Promise<number> {
  const playground = process.argv.includes('--playground');
  const rowsFlag = process.argv.find((argument) => argument.startsWith('--rows='));
  const screen = new Screen();
  const folder = playground ? path.join(projectRoot(), 'playground') : await temporaryFolder('quickstart');
  if (playground) await rm(folder, { recursive: true, force: true });
  const run = new Quickstart({ screen, folder, rows: rowsFlag ? Number(rowsFlag.slice(7)) : 200_000 });
  const stopped = new Promise<NodeJS.Signals>((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
  });
  let ok = false;
  try {
    const finished = run.migrate().then(async () => {
      if (playground) return run.play();
      return run.prove();
    });
    if (playground) {
      await Promise.race([finished, stopped]);
      await Promise.race([stopped]);
      ok = true;
    } else {
      ok = await Promise.race([finished, stopped.then(() => false)]);
    }
  } catch (error) {
    screen.line();
    screen.line(
      `The quickstart failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
    const cause = error instanceof Error ? error.cause : undefined;
    if (cause !== undefined)
      screen.line(`Because of: ${cause instanceof Error ? cause.stack : String(cause)}`);
    screen.line(`Logs are kept in ${folder}`);
  } finally {
    await run.stop();
  }
  if (ok && !playground) await rm(folder, { recursive: true, force: true });
  return ok ? 0 : 1;
}

process.exitCode = await main();
// Connections that a killed server left half-open must not keep the process.
process.exit();
