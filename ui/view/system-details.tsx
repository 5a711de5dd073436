/** Everything that the instance says of itself: no event disappears without a counter. */
import type { ReactNode } from 'react';
import type { SystemAnswer } from '../../schemas/api/system.ts';
import type { SystemView } from '../store/page-state.ts';
import { bytesText, countText, msText, partText, trainingText } from './wording.ts';

interface SystemDetailsProps {
  readonly id: string;
  readonly system: SystemView;
}

export const SystemDetails = ({ id, system: { answer, sourcesTried } }: SystemDetailsProps) => (
  <div className="details" id={id}>
    {answer.notices.length === 0 ? null : (
      <Block heading="Notices">
        {answer.notices.map((notice) => (
          <p key={notice}>{notice}</p>
        ))}
      </Block>
    )}
    {answer.alarms.length === 0 ? null : (
      <Block heading="Needs you">
        {answer.alarms.map((alarm) => (
          <p className="bad" key={alarm}>
            {alarm}
          </p>
        ))}
      </Block>
    )}
    <Block heading="Quality of lists, live">
      {sourcesTried.length === 0 ? (
        <p>No event has been tried yet.</p>
      ) : (
        <Table rows={sourcesTried.map(qualityRow)} />
      )}
    </Block>
    <Block heading="Models">
      {answer.models.length === 0 ? (
        <p>None trained yet; lists come from counts and content.</p>
      ) : null}
      {answer.training === null ? null : <p>{trainingText(answer.training)}</p>}
      <Table rows={answer.models.map(({ kind, version }) => [kind, version])} />
    </Block>
    <Block heading="Events">
      <Counters stages={answer.counters} />
    </Block>
    <Block heading="Freshness">
      <Table
        rows={[
          ['median', msText(answer.freshnessMs.p50)],
          ['90 %', msText(answer.freshnessMs.p90)],
          ['99 %', msText(answer.freshnessMs.p99)],
          ['samples', countText(answer.freshnessMs.samples)],
        ]}
      />
    </Block>
    <Block heading="Partitions">
      <Table
        rows={answer.partitions.map(({ statePartition, covered, lag }) => [
          statePartition,
          `at ${covered === null ? '–' : countText(covered)}, lag ${countText(lag)}`,
        ])}
      />
    </Block>
    <Block heading="Disk and memory">
      <Table
        rows={[
          ...answer.disk.owners.map(({ owner, bytes }): Row => [owner, bytesText(bytes)]),
          ...Object.entries(answer.memory).map(([owner, bytes]): Row => [owner, bytesText(bytes)]),
        ]}
      />
    </Block>
  </div>
);

const qualityRow = ({
  source,
  hitRate,
  verdict,
}: SystemAnswer['quality']['sources'][number]): Row => [
  partText(source),
  `${Math.round(100 * hitRate)} % in ten, ${VERDICTS[verdict]}`,
];

const VERDICTS = {
  better: 'better than what is popular',
  worse: 'worse than what is popular',
  same: 'like what is popular',
} as const;

type Row = readonly [name: string, value: string];

const Block = ({
  heading,
  children,
}: {
  readonly heading: string;
  readonly children: ReactNode;
}) => (
  <section>
    <h3>{heading}</h3>
    {children}
  </section>
);

const Table = ({ rows }: { readonly rows: readonly Row[] }) => (
  <table>
    <tbody>
      {rows.map(([name, value], at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: rows are rebuilt whole and have no state
        <tr key={`${name}-${at}`}>
          <th scope="row">{name}</th>
          <td>{value}</td>
        </tr>
      ))}
    </tbody>
  </table>
);

const Counters = ({ stages }: { readonly stages: SystemAnswer['counters'] }) => (
  <Table
    rows={Object.entries(stages).flatMap(([stage, counts]) =>
      Object.entries(counts).map(([name, count]): Row => [`${stage}: ${name}`, countText(count)]),
    )}
  />
);
