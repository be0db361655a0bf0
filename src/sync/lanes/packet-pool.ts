/** Packets that are used again, with the memory that they hold bounded. */
import { Packet } from './packet.js';

/** All together. */
const KEPT_BYTES = 16 * 1024 * 1024;
const KEPT_PACKET_BYTES = 512 * 1024;

export class PacketPool {
  readonly #compact: boolean;
  /** As of `Packet`, of those that are taken from here on. */
  binds = false;
  readonly #kept: Packet[] = [];
  #bytes = 0;

  /** @param compact As of `Packet`. */
  constructor(compact = false) {
    this.#compact = compact;
  }

  /** An empty one. */
  take(): Packet {
    let packet = this.#kept.pop();
    if (packet === undefined) packet = new Packet(this.#compact);
    else this.#bytes -= packet.capacity;
    packet.binds = this.binds;
    return packet;
  }

  /** Nobody else may hold on to it. */
  give(packet: Packet): void {
    const { capacity } = packet;
    if (capacity > KEPT_PACKET_BYTES || this.#bytes + capacity > KEPT_BYTES) return;
    packet.reset();
    this.#bytes += capacity;
    this.#kept.push(packet);
  }
}
