/** The durable form of an actor: what KV holds of it between two events. JSON, so that a person can read it. */
import type { StateValue } from 'xstate';

export interface Deadline {
  readonly name: string;
  /** Wall clock, ms since 1970: the only clock that a restarted process shares with the one before. */
  readonly at: number;
  /** The length it was set with. Bounds what a wrong wall clock can do: it never waits longer than this. */
  readonly ms: number;
  readonly event: { readonly type: string };
}

export interface ActorDocument {
  readonly v: 1;
  readonly machine: string;
  readonly value: StateValue;
  readonly context: unknown;
  readonly deadlines: readonly Deadline[];
  /** Wall clock, ms since 1970, when it came into `value`; absent in documents of older versions. */
  readonly since?: number;
  /** Placement epoch of the writer; a writer with a lower one has been superseded. */
  readonly epoch: number;
  /** Session of the writing process. */
  readonly owner: string;
  /** Of this write alone: tells after a time-out whether it was ours that got through. */
  readonly stamp: string;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function encodeJson(value: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(value));
}

export function decodeJson(bytes: Uint8Array): unknown {
  return JSON.parse(decoder.decode(bytes)) as unknown;
}

/** Throws when the bytes are no document of this version. */
export function decodeDocument(bytes: Uint8Array): ActorDocument {
  const document = decodeJson(bytes) as Partial<ActorDocument> | null;
  if (document === null || typeof document !== 'object' || document.v !== 1) {
    throw new Error('not an actor document of version 1');
  }
  return document as ActorDocument;
}
