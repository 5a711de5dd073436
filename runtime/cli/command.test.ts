/** From words on the command line to what a command is given. */
import { describe, expect, it } from 'vitest';
import { systemClock } from '../clock.ts';
import { createTerminal } from '../terminal.ts';
import { backupCommand } from './backup-command.ts';
import { parseCommandLine } from './command.ts';
import { startCommand } from './start-command.ts';

const parse = (spec: typeof startCommand, ...words: readonly string[]) =>
  parseCommandLine(spec, words, {
    environment: {},
    clock: systemClock,
    terminal: createTerminal(systemClock),
    stopping: new AbortController().signal,
  });

describe('a command line', () => {
  it('is refused with a word more than the command knows what to do with', () => {
    expect(() => parse(startCommand, 'data')).toThrow(
      'Expected nothing after freshet start, got data. See freshet start --help.',
    );
    expect(parse(backupCommand, 'monday').words).toEqual(['monday']);
    expect(() => parse(backupCommand, 'monday', 'tuesday')).toThrow(
      'Expected one word after freshet backup, got monday tuesday.',
    );
  });

  it('is refused with a flag that lacks its value, and says which', () => {
    for (const words of [['--port'], ['--port', '-1']]) {
      expect(() => parse(startCommand, ...words)).toThrow(
        'Expected a value after --port, got none. See freshet start --help.',
      );
    }
  });
});
