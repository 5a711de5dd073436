import { expect, it } from 'vitest';
import { EventInput } from '../../schemas/api/events.ts';
import { shapeOf } from './shape.ts';

it('an event of nobody is told so, and one of two another thing', () => {
  const shape = shapeOf<EventInput>(EventInput);
  const event = { itemId: 'heat', kind: 'click' };
  const messageOf = (given: unknown): string => {
    try {
      shape.check(given, '');
      return 'none';
    } catch (error) {
      return (error as Error).message;
    }
  };
  expect(messageOf(event)).toBe('Expected one of userId and sessionId, got neither.');
  expect(messageOf({ ...event, userId: 'a', sessionId: 's' })).toBe(
    'Expected one of userId and sessionId, got both.',
  );
  expect(messageOf({ ...event, userId: 'a' })).toBe('none');
});
