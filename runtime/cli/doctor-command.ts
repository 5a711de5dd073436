/** `freshet doctor`: looks at the machine and says what to do. */
import { embeddedClickHouseAvailable } from '../../storage/warehouse/engine-library.ts';
import { dataPathsOf } from '../data-directory.ts';
import { examine, type Finding } from '../doctor.ts';
import { type CommandSpec, EXIT_DONE, EXIT_FAILED } from './command.ts';

const MARKS: Readonly<Record<Finding['verdict'], string>> = { good: '✓', warning: '!', bad: '✗' };

export const doctorCommand: CommandSpec = {
  name: 'doctor',
  summary: 'Looks for what could keep Freshet from running well here, and says what to do.',
  flags: [],
  examples: ['freshet doctor', 'freshet doctor --data /srv/freshet --port 9000'],
  async run({ configuration, terminal }) {
    const { settings } = configuration;
    const findings = await examine({
      settings,
      paths: dataPathsOf(settings.dataDirectory),
      warehouse: embeddedClickHouseAvailable(),
    });
    for (const { what, verdict, found, advice } of findings) {
      terminal.line(`${MARKS[verdict]} ${what.padEnd(20)} ${found}`);
      if (advice !== '') terminal.line(`  ${''.padEnd(20)} ${advice}`);
    }
    return findings.some(({ verdict }) => verdict === 'bad') ? EXIT_FAILED : EXIT_DONE;
  },
};
