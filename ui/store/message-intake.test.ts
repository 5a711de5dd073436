import { describe, expect, it } from 'vitest';
import type { LiveMessage } from '../../schemas/api/live.ts';
import { takeMessage } from './message-intake.ts';
import { activity, diff, entry, snapshot } from './messages.fixture.ts';
import { initialState, type PageState } from './page-state.ts';

const YOU = { id: 'guest-1', name: 'you' };

const stateAfter = (
  ...messages: readonly (LiveMessage | readonly [LiveMessage, number])[]
): PageState =>
  messages.reduce<PageState>(
    (state, given) => {
      const [message, sinceActMs] = 'type' in given ? [given, null] : given;
      return takeMessage(state, message, sinceActMs);
    },
    initialState([YOU], YOU),
  );

const ENTERS = diff({ left: ['b'], entered: [entry('x', 2)], cause: ['e1', 'heat'] });
const ECHO = diff({ moved: [{ itemId: 'a', from: 1, to: 2 }] });

describe('what a live message does to the page', () => {
  it('shows what changed the own list, and how long after the click', () => {
    const { list } = stateAfter(snapshot('mine', 'a', 'b'), [ENTERS, 85]);
    expect(list?.change).toMatchObject({
      cause: { eventId: 'e1', title: 'Film heat' },
      clickToListMs: 85,
      eventToPushMs: 12,
      enteredCount: 1,
    });
  });

  it('does not time what was not clicked on this page', () => {
    const { list } = stateAfter(snapshot('mine', 'a', 'b'), ENTERS);
    expect(list?.change).toMatchObject({ clickToListMs: null, eventToPushMs: 12 });
  });

  it('keeps showing the own act while only its echo moves the list', () => {
    const { list } = stateAfter(snapshot('mine', 'a', 'b'), [ENTERS, 85], [ECHO, 300]);
    expect(list?.change?.cause?.eventId).toBe('e1');
    expect(list?.answer.items.find(({ itemId }) => itemId === 'a')?.rank).toBe(2);
  });

  it('says that others moved the list when nobody acted here for a while', () => {
    const { list } = stateAfter(snapshot('mine', 'a', 'b'), [ENTERS, 85], ECHO);
    expect(list?.change).toMatchObject({ cause: null, clickToListMs: null, movedCount: 1 });
  });

  it('keeps silent about diffs that move nothing', () => {
    const { list } = stateAfter(snapshot('mine', 'a', 'b'), diff({ changed: [entry('a', 1)] }));
    expect(list?.change).toBeNull();
  });

  it('ignores a diff of a list that it has not got', () => {
    expect(stateAfter(ENTERS).list).toBeNull();
  });

  it('names whose doing a rise in trending was', () => {
    const rise = diff({ id: 'trending', moved: [{ itemId: 'b', from: 2, to: 1 }] });
    const { trending } = stateAfter(
      snapshot('trending', 'a', 'b'),
      activity(['u:ann', 'b'], ['u:bob', 'a']),
      rise,
    );
    expect(trending?.rise).toMatchObject({ itemId: 'b', act: { who: { id: 'ann' } } });
  });

  it('keeps the newest acts first, bounded, and the people behind them once', () => {
    const many = Array.from({ length: 100 }, (_, at): [string, string] => [`u:p${at % 20}`, 'a']);
    const state = stateAfter(activity(...many), activity(['s:session', 'b'], ['u:guest-1', 'c']));
    expect(state.activity.length).toBe(60);
    expect(state.activity[0]).toMatchObject({ itemId: 'c', who: YOU });
    expect(state.activity[1]).toMatchObject({ itemId: 'b', who: null });
    expect(state.others.length).toBe(12);
    expect(new Set(state.others.map(({ id }) => id)).size).toBe(12);
  });

  it('tells the person of a refused request', () => {
    const error: LiveMessage = {
      type: 'error',
      id: null,
      error: { code: 'bad_request', message: 'Expected a channel.' },
    };
    expect(stateAfter(error).notice).toMatchObject({ text: 'Expected a channel.', isError: true });
  });
});
