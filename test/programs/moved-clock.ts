/**
 * Loaded into a program before its own first line: its clock of the day begins at TEST_CLOCK_BEGINS, in
 * milliseconds since 1970, and goes on from there. What a program does because a day has passed, such as
 * moving the landmark of all counters, would otherwise depend on when a test is run.
 */
const BEGINS = 'TEST_CLOCK_BEGINS';

const dateNow = Date.now;
const loadedAt = dateNow();
const begins = Number(process.env[BEGINS] ?? loadedAt);
Date.now = () => begins + dateNow() - loadedAt;

/** The environment of a program whose clock begins then. */
export const clockFrom = (begins: number): Readonly<Record<string, string>> => ({
  [BEGINS]: `${begins}`,
  NODE_OPTIONS: `--import ${import.meta.url}`,
});
