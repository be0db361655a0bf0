/** The document of a lease: JSON, so that any KV tool shows who holds what. */

export interface LeaseDocument {
  /** Who holds it, for people and for `alive`; '' once it was given back. */
  readonly owner: string;
  /** One run of one holder: a process that starts again under the same name is another holder. */
  readonly instance: string;
  /** Grows with every change of holder. */
  readonly epoch: number;
  /** Grows with every renewal. */
  readonly seq: number;
  readonly leaseMs: number;
  /** The key is of one holder only and may be removed when it has long expired. */
  readonly ephemeral: boolean;
}

/** A challenger waits this many times `leaseMs` on its own clock: clocks may differ in rate by a quarter. */
export const PATIENCE = 1.25;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function encodeLease(document: LeaseDocument): Uint8Array {
  return encoder.encode(JSON.stringify(document));
}

/** Throws on bytes that are no lease: a bucket shared with something else is a mistake to be seen. */
export function decodeLease(key: string, bytes: Uint8Array): LeaseDocument {
  let parsed: Partial<Record<keyof LeaseDocument, unknown>>;
  try {
    parsed = JSON.parse(decoder.decode(bytes)) as typeof parsed;
  } catch (cause) {
    throw new Error(`the entry ${key} is no lease`, { cause });
  }
  const { owner, instance, epoch, seq, leaseMs } = parsed;
  if (
    typeof owner !== 'string' ||
    typeof instance !== 'string' ||
    typeof epoch !== 'number' ||
    typeof seq !== 'number' ||
    typeof leaseMs !== 'number'
  ) {
    throw new Error(`the entry ${key} is no lease`);
  }
  return { owner, instance, epoch, seq, leaseMs, ephemeral: parsed.ephemeral === true };
}
