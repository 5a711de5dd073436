import { expect, it } from 'vitest';
import { renderPrometheus } from './prometheus.ts';

it('writes families with help, type and escaped labels', () => {
  const text = renderPrometheus([
    {
      name: 'stream_lag_records',
      help: 'Records not yet taken in.\nPer partition.',
      type: 'gauge',
      samples: [
        { labels: { partition: 'interactions.0' }, value: 3 },
        { labels: { partition: 'a"b\\c' }, value: 0 },
      ],
    },
    { name: 'lists_total', help: 'Lists.', type: 'counter', samples: [{ value: 7 }] },
  ]);
  expect(text).toBe(
    [
      '# HELP freshet_stream_lag_records Records not yet taken in.\\nPer partition.',
      '# TYPE freshet_stream_lag_records gauge',
      'freshet_stream_lag_records{partition="interactions.0"} 3',
      'freshet_stream_lag_records{partition="a\\"b\\\\c"} 0',
      '# HELP freshet_lists_total Lists.',
      '# TYPE freshet_lists_total counter',
      'freshet_lists_total 7',
      '',
    ].join('\n'),
  );
});
