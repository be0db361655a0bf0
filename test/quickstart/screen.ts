/** What the quickstart prints: steps with their time, progress of what takes longer, a closing table. */

const PROGRESS_EVERY_MS = 2_000;

export class Screen {
  readonly #began = performance.now();
  readonly #isTerminal = process.stdout.isTTY === true;

  line(text = ''): void {
    process.stdout.write(`${text}\n`);
  }

  /** Seconds since the beginning, right-aligned. */
  #clock(): string {
    return `${((performance.now() - this.#began) / 1000).toFixed(1).padStart(6)}s`;
  }

  note(text: string): void {
    this.line(`${this.#clock()}  ${text}`);
  }

  /** A command as the user could type it. */
  command(text: string): void {
    this.line(this.#isTerminal ? `\u001b[1m        $ ${text}\u001b[0m` : `        $ ${text}`);
  }

  /** Runs `work` and tells its progress every two seconds. */
  async step<T>(title: string, work: (progress: (text: string) => void) => Promise<T>): Promise<T> {
    this.note(`${title} ...`);
    const began = performance.now();
    let told = '';
    const timer = setInterval(() => this.note(`  ... ${told || title}`), PROGRESS_EVERY_MS);
    try {
      const result = await work((text) => (told = text));
      const seconds = (performance.now() - began) / 1000;
      if (seconds > 0.1) this.note(`  done in ${seconds.toFixed(1)} s${told ? ` (${told})` : ''}`);
      return result;
    } finally {
      clearInterval(timer);
    }
  }

  table(rows: readonly (readonly [string, string])[]): void {
    const width = Math.max(...rows.map(([name]) => name.length));
    this.line();
    for (const [name, value] of rows) this.line(`  ${name.padEnd(width)}  ${value}`);
    this.line();
  }
}
