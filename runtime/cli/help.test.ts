/** What the help says is what the settings are. */
import { describe, expect, it } from 'vitest';
import { COMMANDS } from './commands.ts';
import { helpOf, overview, settingRow } from './help.ts';
import { startCommand } from './start-command.ts';

describe('the help', () => {
  it('tells of a setting its unit, limits, choices and default', () => {
    expect(settingRow('historyEvents')[1]).toContain('(events, 10 to 1000; default 50)');
    expect(settingRow('logBytesMax')[1]).toContain('default 939524096, which is 896 MB)');
    expect(settingRow('profile')[1]).toContain('(one of embedded, distributed; default embedded)');
    expect(settingRow('userPartitions')[1]).toContain('default 4, embedded as --stream-workers)');
    expect(settingRow('warehouse')[0]).toBe('--[no-]warehouse');
  });

  it('lists every setting once, for the start, and says there where the others are', () => {
    expect(helpOf(startCommand)).toContain('--history-events');
    for (const command of COMMANDS.filter((each) => each !== startCommand)) {
      expect(helpOf(command)).toContain('--data');
      expect(helpOf(command)).toContain('freshet start --help');
      expect(helpOf(command)).not.toContain('--history-events');
    }
  });

  it('names every command, each with an example that begins with it', () => {
    for (const { name, examples } of COMMANDS) {
      expect(overview()).toContain(`  ${name} `);
      expect(examples[0]).toMatch(new RegExp(`^freshet ${name}`));
    }
  });
});
