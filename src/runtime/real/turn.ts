/** Lets the event loop go round once: sockets and timers get their turn between batches of work. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
