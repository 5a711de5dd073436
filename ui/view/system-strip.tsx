/** The state of the machine in one line, which opens into the whole report. */
import { useState } from 'react';
import type { ConnectionState } from '../store/live-connection.ts';
import type { SystemView } from '../store/page-state.ts';
import { SystemDetails } from './system-details.tsx';
import { countText, modelsText, msText } from './wording.ts';

interface SystemStripProps {
  readonly connection: ConnectionState;
  readonly system: SystemView | null;
}

const CONNECTION_TEXTS: Readonly<Record<ConnectionState, string>> = {
  connecting: 'Connecting',
  live: 'Live',
  reconnecting: 'Trying to reach Freshet',
};

const DETAILS_ID = 'system-details';

export const SystemStrip = ({ connection, system }: SystemStripProps) => {
  const [isOpen, setOpen] = useState(false);
  return (
    <footer className="strip">
      {isOpen && system !== null ? <SystemDetails id={DETAILS_ID} system={system} /> : null}
      <div className="strip-line">
        <span>
          <span className={connection === 'live' ? 'dot live' : 'dot'} />
          {CONNECTION_TEXTS[connection]}
        </span>
        {system === null ? null : <Figures system={system} />}
        <span className="strip-end">
          <button
            type="button"
            className="link"
            aria-expanded={isOpen}
            aria-controls={DETAILS_ID}
            disabled={system === null}
            onClick={() => setOpen(!isOpen)}
          >
            {isOpen ? 'Less' : 'More'}
          </button>
          <a href="docs">API</a>
        </span>
      </div>
    </footer>
  );
};

const Figures = ({ system }: { readonly system: SystemView }) => {
  const { freshnessMs, health } = system.answer;
  return (
    <>
      <span>
        <b>{system.eventsPerSecond.toFixed(1)}</b> events/s
      </span>
      <span title="From an event's arrival until its effect could be read: median and 99th percentile">
        event to list <b>{msText(freshnessMs.p50)}</b>, p99 <b>{msText(freshnessMs.p99)}</b>
      </span>
      <span>
        <b>{countText(system.events)}</b> events
      </span>
      <span>
        lag <b>{countText(system.lagRecords)}</b>
      </span>
      <span>{modelsText(system.answer)}</span>
      {health.status === 'ready' ? null : <span className="bad">{health.reasons[0]}</span>}
    </>
  );
};
