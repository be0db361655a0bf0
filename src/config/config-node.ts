/** A configuration file as a tree that remembers where each key and value was written. */

/** A place in a file, both counted from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export interface ScalarNode {
  readonly kind: 'scalar';
  readonly place: Place;
  readonly value: string | number | bigint | boolean | null;
  /** As it was typed, without quotes. */
  readonly text: string;
  /** Typed in quotes, so it can only mean a string. */
  readonly quoted: boolean;
}

export interface ListNode {
  readonly kind: 'list';
  readonly place: Place;
  readonly items: readonly ConfigNode[];
}

export interface MapEntry {
  readonly place: Place;
  readonly value: ConfigNode;
}

export interface MapNode {
  readonly kind: 'map';
  readonly place: Place;
  readonly entries: ReadonlyMap<string, MapEntry>;
}

export type ConfigNode = ScalarNode | ListNode | MapNode;

/** `task.yaml:3:12`, the form that editors and terminals make a link of. */
export function formatPlace(place: Place): string {
  return `${place.file}:${place.line}:${place.column}`;
}
