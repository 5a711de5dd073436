/**
 * How long who joins a line of waiting records will stand in it, by how fast the line moved of late: the
 * disk, the stream that is waited for and whatever else an append waits for together. A line that may grow
 * for as long as its first waits is many times as long for its last, where many come at once; so who comes
 * is told by what stands before them, not by how long others have stood.
 */

/** What moved longer ago counts less. */
const JUDGED_MS = 2_000;
/** Where it moves more often than that there is no line to speak of, and no speed to judge it by. */
const LINE_MS_MIN = 100;

export class AppendLine {
  #waiting = 0;
  /** Those of the append under way. */
  #moving = 0;
  /** When the append before ended, or the line began. */
  #sinceMs = 0;
  /** The append before. */
  #lastMs = 0;
  #moved = 0;
  #tookMs = 0;
  #judgedAtMs = 0;

  /** The first of a new line has come. */
  begins(nowMs: number): void {
    this.#sinceMs = nowMs;
  }

  joined(records: number): void {
    this.#waiting += records;
  }

  /** Without having moved. */
  left(records: number): void {
    this.#waiting -= records;
  }

  moves(records: number): void {
    this.#waiting -= records;
    this.#moving = records;
  }

  /** What was moving has arrived, or has failed to; either way the next have their turn. */
  moved(nowMs: number): void {
    this.#lastMs = nowMs - this.#sinceMs;
    const counts = Math.exp((this.#judgedAtMs - nowMs) / JUDGED_MS);
    this.#judgedAtMs = nowMs;
    this.#moved = this.#moved * counts + this.#moving;
    this.#tookMs = this.#tookMs * counts + this.#lastMs;
    this.#moving = 0;
    this.#sinceMs = nowMs;
  }

  /** Of who would join now. */
  waitMs(nowMs: number): number {
    const movingMs = nowMs - this.#sinceMs;
    if (this.#moved === 0 || Math.max(this.#lastMs, movingMs) < LINE_MS_MIN) return 0;
    const recordMs = this.#tookMs / this.#moved;
    return this.#waiting * recordMs + Math.max(0, this.#moving * recordMs - movingMs);
  }
}
