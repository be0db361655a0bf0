/** How messages between nodes and durable documents are encoded: MessagePack, records as plain maps. */
import { Packr } from 'msgpackr';

export interface Codec {
  encode(value: unknown): Uint8Array;
  decode(bytes: Uint8Array): unknown;
}

/**
 * A codec of its own for each user, so that no state is shared. `useRecords: false` keeps the bytes plain
 * MessagePack: any other reader understands them, and a reader needs nothing but the bytes. Values must
 * be data: bigint beyond 64 bits, functions and class instances are not carried. A field named `__proto__`
 * comes back as `__proto_` (what arrives over the network must not set a prototype): names that users give
 * are values or keys of maps in our documents, never fields.
 */
export function createCodec(): Codec {
  const packr = new Packr({ useRecords: false, moreTypes: true, structuredClone: false });
  return {
    encode: (value) => packr.pack(value),
    decode: (bytes) => packr.unpack(bytes) as unknown,
  };
}
