import { setMaxListeners } from 'node:events';

/**
 * A controller whose signal many listen to at the same time: each connection of a unit does until it closes,
 * and their number is the user's (`threads`, `pool-size`). Node's warning about a leak from the eleventh on would
 * be false there.
 */
export function sharedAbort(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}
