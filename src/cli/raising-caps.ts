import type { EventOf } from '../core/event.ts';
import { fail, ok, type Result, trouble } from '../core/result.ts';

export interface RaisingOptions {
  readonly raiseCaps?: string;
  readonly raiseCapsReason?: string;
}

/** What of the caps a person raises for one run. */
export type RaisingCaps = Pick<EventOf<'caps.raised'>, 'to' | 'reason'>;

/** What was said of the caps; a problem where only half of it was, or no number. */
export function raisingCaps({ raiseCaps, raiseCapsReason = '' }: RaisingOptions): Result<RaisingCaps | undefined> {
  if (raiseCaps === undefined && raiseCapsReason === '') return ok(undefined);
  if (/^[1-9]\d{0,4}$/.test(raiseCaps ?? '') && raiseCapsReason.trim() !== '') {
    return ok({ to: Number(raiseCaps), reason: raiseCapsReason.trim() });
  }
  return fail(
    trouble(
      'usage',
      'to raise the caps, a number and a reason are needed',
      'Give both: --raise-caps NUMBER --raise-caps-reason TEXT',
    ),
  );
}
