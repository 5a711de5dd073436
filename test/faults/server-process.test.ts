import { describe, expect, it } from 'vitest';
import { fateOf, launchProgram } from './server-process.ts';

describe('the fate of a program', () => {
  it('is how it ended, with the end of what it said', async () => {
    const program = launchProgram(['start', '--nonsense']);
    await program.ended;
    const fate = await fateOf(program);
    expect(fate).toMatch(/^The server ended with 2\. The end of its output:\n/);
    expect(fate).toContain('nonsense');
  });

  it('of one that runs is what it said last, and no more than a person reads', async () => {
    const output = () => `${'.'.repeat(300_000)}the last words\n`;
    const fate = await fateOf({ ended: new Promise(() => undefined), output });
    expect(fate).toMatch(
      /^The server is still running\. The end of its output:\n\.+the last words$/,
    );
    expect(fate.length).toBeLessThan(5_000);
  });

  it('of one that was killed without a word says so', async () => {
    const fate = await fateOf({ ended: Promise.resolve('SIGKILL'), output: () => '' });
    expect(fate).toBe('The server ended with SIGKILL. It said nothing.');
  });
});
