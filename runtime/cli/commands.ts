/** The commands of `freshet`, in the order in which people need them. */
import type { CommandSpec } from './command.ts';
import { doctorCommand } from './doctor-command.ts';
import { startCommand } from './start-command.ts';

export const COMMANDS: readonly CommandSpec[] = [startCommand, doctorCommand];
