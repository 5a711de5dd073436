/** How somebody's event reads in the ticker. */
import type { ActivityEvent } from '../../schemas/api/live.ts';
import type { ActivityEntry } from './page-state.ts';

export const activityEntry = (event: ActivityEvent): ActivityEntry => ({
  key: event.eventId,
  who: event.subject.startsWith('u:') ? event.subject.slice(2) : 'a visitor',
  kind: event.kind,
  value: event.value,
  itemId: event.itemId,
  title: event.title,
  at: event.occurredAt,
});
