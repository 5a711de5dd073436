/** The state of the machine in one line. */
import type { ConnectionState } from '../store/live-connection.ts';
import type { SystemSummary } from '../store/page-state.ts';

interface SystemStripProps {
  readonly connection: ConnectionState;
  readonly system: SystemSummary | null;
}

const CONNECTION_TEXTS: Readonly<Record<ConnectionState, string>> = {
  connecting: 'Connecting',
  live: 'Live',
  reconnecting: 'Connection lost; trying again',
};

export const SystemStrip = ({ connection, system }: SystemStripProps) => (
  <footer className="strip">
    <span>
      <span className={connection === 'live' ? 'dot live' : 'dot'} />
      {CONNECTION_TEXTS[connection]}
    </span>
    {system === null ? null : (
      <>
        <span>
          <b>{system.eventsPerSecond.toFixed(1)}</b> events/s
        </span>
        <span>
          event to list <b>{formatMs(system.freshnessP50Ms)}</b> median,{' '}
          <b>{formatMs(system.freshnessP99Ms)}</b> slowest 1 %
        </span>
        <span>
          <b>{system.events.toLocaleString('en-US')}</b> events
        </span>
        <span>
          <b>{system.items.toLocaleString('en-US')}</b> films
        </span>
        <span>
          lag <b>{system.lagRecords}</b>
        </span>
        {system.ready ? null : <span>catching up</span>}
      </>
    )}
    <span>
      <a href="docs">API</a>
    </span>
  </footer>
);

const formatMs = (ms: number | null): string =>
  ms === null ? '–' : `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
