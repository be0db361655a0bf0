/**
 * The error system of the manual (6.1): every error that a user can see has a code that is never
 * reused. `codes.ts` holds the table; build errors through it.
 */
import type { ProcessError } from '../model/status.js';

export type ErrorScope = 'not-set' | 'upstream' | 'downstream' | 'internal';
export type ErrorLevel = 'low' | 'medium' | 'high';

export interface ErrorCode {
  readonly code: number;
  readonly class: string;
  readonly scope: ErrorScope;
  readonly level: ErrorLevel;
  readonly workaround: string;
}

export class DmError extends Error {
  override readonly name = 'DmError';
  readonly code: number;
  readonly class: string;
  readonly scope: ErrorScope;
  readonly level: ErrorLevel;
  readonly workaround: string;
  /** The text of what caused it: a server's error, a parser's. */
  readonly rawCause: string;

  constructor(
    kind: ErrorCode,
    message: string,
    options: { cause?: unknown; rawCause?: string; workaround?: string; scope?: ErrorScope } = {},
  ) {
    super(message, { cause: options.cause });
    this.code = kind.code;
    this.class = kind.class;
    this.scope = options.scope ?? kind.scope;
    this.level = kind.level;
    this.workaround = options.workaround ?? kind.workaround;
    this.rawCause = options.rawCause ?? (options.cause instanceof Error ? options.cause.message : '');
  }

  /** `[code=..:class=..:scope=..:level=..], Message: .., RawCause: .., Workaround: ..`, empty parts left out. */
  override toString(): string {
    let text = `[code=${this.code}:class=${this.class}:scope=${this.scope}:level=${this.level}]`;
    if (this.message !== '') text += `, Message: ${this.message}`;
    if (this.rawCause !== '') text += `, RawCause: ${this.rawCause}`;
    if (this.workaround !== '') text += `, Workaround: ${this.workaround}`;
    return text;
  }

  toProcessError(): ProcessError {
    return {
      ErrCode: this.code,
      ErrClass: this.class,
      ErrScope: this.scope,
      ErrLevel: this.level,
      Message: this.message,
      RawCause: this.rawCause,
      Workaround: this.workaround,
    };
  }

  static fromProcessError(error: ProcessError): DmError {
    return new DmError(
      {
        code: error.ErrCode,
        class: error.ErrClass,
        scope: error.ErrScope as ErrorScope,
        level: error.ErrLevel as ErrorLevel,
        workaround: error.Workaround,
      },
      error.Message,
      { rawCause: error.RawCause },
    );
  }
}
