/** The commands of `freshet`, in the order in which people need them. */
import { backupCommand, restoreCommand } from './backup-command.ts';
import type { CommandSpec } from './command.ts';
import { doctorCommand } from './doctor-command.ts';
import { exportCommand } from './export-command.ts';
import { forgetCommand } from './forget-command.ts';
import { importCommand } from './import-command.ts';
import { itemsSyncCommand } from './items-sync-command.ts';
import { migrateCommand } from './migrate-command.ts';
import { modelsCommand } from './models-command.ts';
import { rebuildCommand } from './rebuild-command.ts';
import { simulateCommand } from './simulate-command.ts';
import { startCommand } from './start-command.ts';
import { trainCommand } from './train-command.ts';

export const COMMANDS: readonly CommandSpec[] = [
  startCommand,
  importCommand,
  exportCommand,
  itemsSyncCommand,
  simulateCommand,
  trainCommand,
  modelsCommand,
  forgetCommand,
  rebuildCommand,
  backupCommand,
  restoreCommand,
  migrateCommand,
  doctorCommand,
];
