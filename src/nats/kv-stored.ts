/** One key of a bucket as the stream's leader has it. */
import type { NatsConnection } from '@nats-io/transport-node';
import { JS_CODE, JsApiError, jsCall } from './jetstream-call.js';

export const MESSAGE_ID = 'Nats-Msg-Id';
export const OPERATION = 'KV-Operation';

export interface Stored {
  readonly revision: number;
  readonly value: Uint8Array;
  readonly deleted: boolean;
  readonly id: string;
}

/** null: nothing was ever written there. */
export async function lastStored(
  connection: NatsConnection,
  bucket: string,
  key: string,
  timeoutMs: number,
): Promise<Stored | null> {
  const query = JSON.stringify({ last_by_subj: `$KV.${bucket}.${key}` });
  const subject = `$JS.API.STREAM.MSG.GET.KV_${bucket}`;
  try {
    const { message } = await jsCall<{ message: ApiMessage }>(connection, subject, query, timeoutMs);
    return storedOf(message);
  } catch (error) {
    if (error instanceof JsApiError && error.code === JS_CODE.noMessage) return null;
    throw error;
  }
}

interface ApiMessage {
  subject: string;
  seq: number;
  hdrs?: string;
  data?: string;
}

function storedOf(message: ApiMessage): Stored {
  const head = message.hdrs ? Buffer.from(message.hdrs, 'base64').toString('utf8') : '';
  const operation = headerLine(head, OPERATION);
  return {
    revision: message.seq,
    value: message.data ? new Uint8Array(Buffer.from(message.data, 'base64')) : new Uint8Array(0),
    deleted: operation === 'DEL' || operation === 'PURGE',
    id: headerLine(head, MESSAGE_ID),
  };
}

function headerLine(head: string, name: string): string {
  for (const line of head.split('\r\n')) {
    if (line.startsWith(name + ':')) return line.slice(name.length + 1).trim();
  }
  return '';
}
