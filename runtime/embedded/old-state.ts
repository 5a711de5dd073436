/**
 * State of an older format, thrown away before anybody opens it: the stream then makes it anew from the
 * log, as after a `freshet rebuild`, while lists are served from what it has so far. Killed in between,
 * the next start finds the old number still and begins again.
 */
import { rm } from 'node:fs/promises';
import type { Logger } from '../../schemas/environment.ts';
import { STATE_FORMAT } from '../../schemas/state/state-format.ts';
import type { EventLog } from '../../storage/event-log/event-log.ts';
import { checkReachesBack } from '../../stream/rebuild.ts';
import { type DataDirectory, stateFormatOf } from '../data-directory.ts';
import { allPartitionsOf } from '../topic-plan.ts';

export const isStateOld = ({ facts }: DataDirectory): boolean =>
  stateFormatOf(facts) !== STATE_FORMAT;

export const discardOldState = async (
  directory: DataDirectory,
  eventLog: EventLog,
  logger: Logger,
): Promise<void> => {
  if (!isStateOld(directory)) return;
  await checkReachesBack({ eventLog, partitions: allPartitionsOf(directory.facts) });
  await discardState(directory, logger);
};

export const discardState = async (directory: DataDirectory, logger: Logger): Promise<void> => {
  const found = stateFormatOf(directory.facts);
  logger.warn('state of an older format is made anew from the log', { found, now: STATE_FORMAT });
  await rm(directory.paths.state, { recursive: true, force: true });
  directory.updateFacts({ stateFormat: STATE_FORMAT });
};
