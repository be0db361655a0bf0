import { pino, type Logger } from 'pino';
import type { Clock, Log, LogFields } from '../runtime/ports.js';
import { LogFile } from './log-file.js';
import { plainFields, textLine } from './text-line.js';

export interface LogOptions {
  level: 'debug' | 'info' | 'warn' | 'error' | 'fatal';
  /** '' = standard output. */
  file: string;
  /** `text` is DM's unified log, `json` is pino's with `time` in ms. */
  format: 'text' | 'json';
  clock: Clock;
  /** Instead of `file`: where the lines go. */
  write?: (line: string) => void;
}

type Level = 'debug' | 'info' | 'warn' | 'error';

const RANK: Record<LogOptions['level'], number> = { debug: 0, info: 1, warn: 2, error: 3, fatal: 4 };

/** The Log port over pino (JSON) or as DM's text lines. */
export function createLog(options: LogOptions): Log {
  const write = options.write ?? openSink(options);
  if (options.format === 'text') return new TextLog(RANK[options.level], options.clock, write, {});
  const { clock } = options;
  const logger = pino(
    {
      level: options.level,
      base: null,
      messageKey: 'message',
      timestamp: () => `,"time":${clock.wall()}`,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write },
  );
  return new PinoLog(logger);
}

function openSink({ file, clock }: LogOptions): (line: string) => void {
  if (file === '') return (line) => process.stdout.write(line);
  const sink = new LogFile(file, clock);
  return (line) => sink.write(line);
}

class PinoLog implements Log {
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  child(fields: LogFields): Log {
    return new PinoLog(this.#logger.child(plainFields(fields)));
  }

  debug(message: string, fields?: LogFields): void {
    this.#write('debug', message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#write('info', message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#write('warn', message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#write('error', message, fields);
  }

  #write(level: Level, message: string, fields: LogFields = {}): void {
    if (this.#logger.isLevelEnabled(level)) this.#logger[level](plainFields(fields), message);
  }
}

class TextLog implements Log {
  readonly #rank: number;
  readonly #clock: Clock;
  readonly #sink: (line: string) => void;
  readonly #context: Record<string, unknown>;

  constructor(rank: number, clock: Clock, sink: (line: string) => void, context: Record<string, unknown>) {
    this.#rank = rank;
    this.#clock = clock;
    this.#sink = sink;
    this.#context = context;
  }

  child(fields: LogFields): Log {
    const context = { ...this.#context, ...plainFields(fields) };
    return new TextLog(this.#rank, this.#clock, this.#sink, context);
  }

  debug(message: string, fields?: LogFields): void {
    this.#write('debug', message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#write('info', message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#write('warn', message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#write('error', message, fields);
  }

  #write(level: Level, message: string, fields: LogFields = {}): void {
    if (RANK[level] < this.#rank) return;
    this.#sink(textLine(this.#clock.wall(), level, message, { ...this.#context, ...plainFields(fields) }));
  }
}
