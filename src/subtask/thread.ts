/**
 * Entry of a subtask's worker thread: speaks protocol.ts over its port. The main thread only runs actors,
 * so that no amount of rows can starve a heartbeat.
 */
import { parentPort } from 'node:worker_threads';
import { createLog, type LogOptions } from '../log/create-log.js';
import { must, unreachable } from '../model/assert.js';
import { RealClock } from '../runtime/real/clock.js';
import { nextTurn } from '../runtime/real/turn.js';
import type { FromThread, SubtaskStart, ToThread } from './protocol.js';
import { SubtaskRunner } from './runner.js';

const port = must(parentPort, 'the port of a worker thread');
const clock = new RealClock();
let runner: SubtaskRunner | null = null;
let ending = false;

function send(message: FromThread): void {
  port.postMessage(message);
}

async function run(start: SubtaskStart): Promise<void> {
  // The levels are validated with the process's own configuration.
  const level = start.log.level as LogOptions['level'];
  const log = createLog({ ...start.log, level, clock }).child({
    component: 'subtask',
    task: start.config.task,
    source: start.config.sourceId,
  });
  runner = new SubtaskRunner({
    start,
    ports: { clock, log },
    nextTurn,
    onUnit: (unit) => send({ type: 'unit', unit }),
  });
  if (ending) runner.end();
  const end = await runner.run();
  send({ type: 'end', end, status: await runner.status() });
  port.close();
}

async function answerStatus(id: number): Promise<void> {
  send({ type: 'status', id, status: runner === null ? { unit: 'InvalidUnit' } : await runner.status() });
}

async function answerOperation({
  id,
  operation,
  context,
}: Extract<ToThread, { type: 'operate' }>): Promise<void> {
  const answer =
    runner === null
      ? { result: false, msg: 'the subtask is about to start: please try again' }
      : await runner.operate(operation, context);
  send({ type: 'operated', id, answer });
}

/** What nobody has foreseen ends the thread; the main thread takes that for a failure of the unit. */
function crash(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}

port.on('message', (message: ToThread) => {
  switch (message.type) {
    case 'start':
      run(message.start).catch(crash);
      break;
    case 'end':
      ending = true;
      runner?.end();
      break;
    case 'query-status':
      answerStatus(message.id).catch(crash);
      break;
    case 'operate':
      answerOperation(message).catch(crash);
      break;
    default:
      unreachable(message);
  }
});
