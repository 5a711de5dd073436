/**
 * Keeps the simulated audience going while Freshet runs, through its public API like anybody else;
 * lets it rest when no page has been open for a while; and notes how far it has acted, so that the
 * next start can fill the time between.
 */
import type { AudienceWorld } from '../../ingest/audience/audience-world.ts';
import { HttpAudienceApi } from '../../ingest/audience/http-audience-api.ts';
import { createLiveAudience } from '../../ingest/audience/live-audience.ts';
import type { Clock, Logger } from '../../schemas/environment.ts';
import type { DurationMs } from '../../schemas/ids.ts';
import { ownUrlOf } from '../http/own-url.ts';
import type { Instance } from '../instance.ts';
import type { Settings } from '../settings.ts';

export interface DemoAudience {
  stop(): Promise<void>;
}

const LOOK_EVERY_MS = 5_000 as DurationMs;
const MINUTE_MS = 60_000;

export const startDemoAudience = (
  instance: Instance,
  options: {
    /** Absent where nobody comes. */
    readonly world: AudienceWorld | undefined;
    readonly settings: Settings;
    readonly clock: Clock;
    readonly logger: Logger;
  },
): DemoAudience => {
  const { world, settings, clock, logger } = options;
  if (!world || settings.audiencePerSecond === 0) return { stop: async () => {} };
  const audience = createLiveAudience(
    {
      world,
      api: new HttpAudienceApi({
        baseUrl: ownUrlOf(settings, instance.port),
        source: 'demo-audience',
      }),
      clock,
      logger,
    },
    { ratePerSecond: settings.audiencePerSecond },
  );
  const stopping = new AbortController();
  const acting = audience.run(stopping.signal);
  const watching = watch(instance, audience, { settings, clock, signal: stopping.signal });
  return {
    async stop() {
      stopping.abort();
      await Promise.allSettled([acting, watching]);
      noteActed(instance, clock);
    },
  };
};

const watch = async (
  instance: Instance,
  audience: { pause(): void; resume(): void; status(): { readonly isPaused: boolean } },
  given: { readonly settings: Settings; readonly clock: Clock; readonly signal: AbortSignal },
): Promise<void> => {
  const { settings, clock, signal } = given;
  const restAfterMs = settings.audienceRestMinutes * MINUTE_MS;
  let watchedAtMs = clock.monotonicMs();
  while (!signal.aborted) {
    await clock.sleep(LOOK_EVERY_MS, signal);
    const nowMs = clock.monotonicMs();
    if (instance.serving.status().live.sockets > 0) watchedAtMs = nowMs;
    const shouldRest = nowMs - watchedAtMs > restAfterMs;
    if (shouldRest && !audience.status().isPaused) audience.pause();
    if (!shouldRest && audience.status().isPaused) audience.resume();
    if (!shouldRest) noteActed(instance, clock);
  }
};

const noteActed = ({ directory }: Instance, clock: Clock): void => {
  const { audience } = directory.facts;
  if (audience) directory.updateFacts({ audience: { ...audience, actedUntil: clock.now() } });
};
