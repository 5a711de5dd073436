/** A caller that asks the very same again for as long as the store does not answer. */
import { isFreshetError } from '../../schemas/errors.ts';

export const untilAnswered = async <Answer>(ask: () => Promise<Answer>): Promise<Answer> => {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!isFreshetError(error, 'state_unavailable')) throw error;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
};
