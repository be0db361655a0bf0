import { describe } from 'vitest';
import { available, type DatabaseKind } from './availability.js';

/**
 * `describe` for tests that need the server: skipped, with the missing package in the title, where it
 * cannot be had. To be awaited at the top level of a test file.
 */
export async function describeWith(kind: DatabaseKind, title: string, body: () => void): Promise<void> {
  const state = await available(kind);
  if (state.ok) describe(`${title} [${kind}]`, body);
  else describe.skip(`${title} [${kind}] (missing: ${state.missing})`, body);
}
