import { describe, expect, it } from 'vitest';
import { freePorts } from './free-port.ts';
import { startProcess } from './server-process.ts';

const script = (text: string) => ({
  name: 'a script',
  command: process.execPath,
  args: ['--eval', text],
});

describe('startProcess', () => {
  it('waits for what the log says and ends the process when it is asked to', async () => {
    const running = await startProcess({
      ...script('console.log("now ready"); setInterval(() => undefined, 1000);'),
      readyWhen: /now ready/,
    });
    expect(running.log()).toContain('now ready');
    expect(await running.stop()).toBe('SIGTERM');
    expect(await running.ended).toBe('SIGTERM');
  });

  it('shows what a process said that ended before it was ready', async () => {
    const started = startProcess({
      ...script('console.error("no such setting"); process.exit(3);'),
      readyWhen: async () => false,
    });
    await expect(started).rejects.toThrow(/it ended with 3; it said:\n.*no such setting/s);
  });

  it('ends a process that does not get ready in time, and says so', async () => {
    const started = startProcess({
      ...script('setInterval(() => undefined, 1000);'),
      readyWhen: /never/,
      timeoutMs: 300,
    });
    await expect(started).rejects.toThrow(/took more than 300 ms/);
  });

  it('says that a program is missing', async () => {
    const started = startProcess({
      name: 'nothing',
      command: '/nowhere/nothing',
      args: [],
      readyWhen: /ready/,
    });
    await expect(started).rejects.toThrow(/could not be started/);
  });
});

describe('freePorts', () => {
  it('gives ports that differ although nobody listens on them yet', async () => {
    const ports = await freePorts(5);
    expect(new Set(ports).size).toBe(5);
  });
});
