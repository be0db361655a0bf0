/**
 * Broken bytes: real events of every kind, with bits turned, bytes changed and ends cut off. Decoding
 * them is a DmError or a result, soon, and never depends on bytes outside of the event.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EVENT, HEADER_LENGTH } from '../../src/binlog/event-types.js';
import type { DatabaseServer } from '../servers/database.js';
import { describeWith } from '../servers/describe-with.js';
import { startDatabase } from '../servers/index.js';
import { everyEvent, walk, withoutChecksums, withSize } from './broken-events.js';
import type { ServerKind } from './type-groups.js';

const RUNS = Number(process.env['BROKEN_RUNS'] ?? 400);

/** What the servers are set to, by the form of events that it makes. */
const FORMS: Readonly<Record<ServerKind, Readonly<Record<string, readonly string[]>>>> = {
  'mariadb-10.11': {
    plain: ['SET GLOBAL binlog_row_metadata = FULL'],
    compressed: [
      'SET GLOBAL binlog_row_metadata = FULL',
      'SET GLOBAL log_bin_compress = ON',
      'SET GLOBAL log_bin_compress_min_len = 10',
    ],
  },
  'mysql-9.7': {
    plain: ['SET GLOBAL binlog_row_metadata = FULL'],
    'partial JSON': ["SET SESSION binlog_row_value_options = 'PARTIAL_JSON'"],
    compressed: ['SET SESSION binlog_transaction_compression = ON'],
  },
  'mysql-5.6': { plain: [] },
};

type Break = (event: Buffer) => Buffer;

/** Several ways to break one event; the places are fractions, so that they fit any event. */
const breaks: fc.Arbitrary<Break> = fc.oneof(
  fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }).map(
    (cut): Break =>
      (event) =>
        withSize(Buffer.from(event.subarray(0, Math.floor(cut * event.length)))),
  ),
  fc
    .array(fc.tuple(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.nat(255)), {
      minLength: 1,
      maxLength: 4,
    })
    .map((changes): Break => (event) => {
      const copy = Buffer.from(event);
      for (const [where, byte] of changes) {
        copy[HEADER_LENGTH + Math.floor(where * (event.length - HEADER_LENGTH))] = byte;
      }
      return copy;
    }),
  fc.tuple(fc.nat(), fc.nat(255)).map(([where, type]): Break => (event) => {
    const copy = Buffer.from(event);
    copy[where % 2 === 0 ? 4 : where % event.length] = type;
    return withSize(copy);
  }),
);

for (const [kind, forms] of Object.entries(FORMS) as [ServerKind, (typeof FORMS)[ServerKind]][]) {
  await describeWith(kind, 'broken binlog events', () => {
    let server: DatabaseServer;
    beforeAll(async () => {
      server = await startDatabase(kind);
    });
    afterAll(async () => {
      await server?.stop();
    });

    for (const [form, settings] of Object.entries(forms)) {
      test(`${form}: every turned bit is found by the checksum`, async () => {
        const events = await everyEvent(server, kind, settings);
        expect(walk(server.flavor, events).failed).toBe(false);
        fc.assert(
          fc.property(fc.nat(events.length - 1), fc.nat(), (which, place) => {
            const bits = events[which].length * 8;
            const bit = place % bits;
            // The in-use flag of the format event is no part of its checksum.
            fc.pre(events[which][4] !== EVENT.FORMAT_DESCRIPTION || bit !== 17 * 8);
            const copy = Buffer.from(events[which]);
            copy[bit >> 3] ^= 1 << (bit & 7);
            const list = [...events.slice(0, which), copy];
            expect(walk(server.flavor, list).failed).toBe(true);
          }),
          { numRuns: RUNS },
        );
        const shortest = events.reduce((a, event, i) => (event.length < events[a].length ? i : a), 0);
        // All bits of the first and of the shortest event, which is where the kinds of checks differ.
        for (const which of [0, shortest]) {
          for (let bit = 0; bit < events[which].length * 8; bit++) {
            if (which === 0 && bit === 17 * 8) continue;
            const copy = Buffer.from(events[which]);
            copy[bit >> 3] ^= 1 << (bit & 7);
            const first = which === 0 ? [copy, ...events.slice(1, 2)] : [events[0], copy];
            expect(walk(server.flavor, first).failed, `event ${which}, bit ${bit}`).toBe(true);
          }
        }
      });

      test(`${form}: without checksums, broken events are errors of one kind`, async () => {
        const events = withoutChecksums(await everyEvent(server, kind, settings));
        expect(walk(server.flavor, events).failed).toBe(false);
        fc.assert(
          fc.property(fc.nat(events.length - 1), breaks, (which, broken) => {
            // A table map is only looked at by the rows after it.
            const until = which + 1;
            const list = [
              events[0],
              ...events.slice(Math.max(1, which - 2), until),
              ...events.slice(until, until + 2),
            ];
            const at = list.indexOf(events[which]);
            list[at] = broken(events[which]);
            const began = performance.now();
            const exact = walk(server.flavor, list);
            expect(performance.now() - began).toBeLessThan(60_000);
            // Neighbours' bytes must not show.
            expect(walk(server.flavor, list, 64)).toEqual(exact);
          }),
          { numRuns: RUNS * 4 },
        );
      });
    }
  });
}
