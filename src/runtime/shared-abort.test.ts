import { expect, test } from 'vitest';
import { nextTurn } from './real/turn.js';
import { sharedAbort } from './shared-abort.js';

test('may be listened to by as many connections as there are', async () => {
  const warnings: string[] = [];
  const note = (warning: Error) => warnings.push(warning.name);
  process.on('warning', note);
  try {
    const shared = sharedAbort();
    let heard = 0;
    for (let i = 0; i < 50; i++) shared.signal.addEventListener('abort', () => heard++, { once: true });
    await nextTurn();
    shared.abort();
    expect(heard).toBe(50);
    expect(warnings).not.toContain('MaxListenersExceededWarning');
  } finally {
    process.off('warning', note);
  }
});
