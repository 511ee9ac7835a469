import type { EventOf, Recorded } from '../core/event.ts';
import type { Receipt } from '../core/operation.ts';

/** A question or checklist as a person answered it. */
export interface AnsweredForm {
  readonly step: string;
  readonly form: 'confirm' | 'checklist';
  readonly title: string;
  readonly by: string | null;
  readonly at: string;
  readonly items: readonly { readonly text: string; readonly done: boolean; readonly note: string }[];
}

/** Every answer on record, in order; an item that an answer does not mention counts as not done. */
export function formsOf(events: readonly Recorded[]): readonly AnsweredForm[] {
  return events.flatMap((event, i): AnsweredForm[] => {
    if (event.type !== 'operation.done') return [];
    const intended = events
      .slice(0, i)
      .findLast(
        (e): e is Recorded<EventOf<'operation.intended'>> =>
          e.type === 'operation.intended' &&
          e.step === event.step &&
          e.direction === event.direction &&
          e.attempt === event.attempt &&
          e.n === event.n,
      );
    if (intended?.operation.kind !== 'ask') return [];
    const { form, title, items } = intended.operation;
    const answers = answersIn(event.receipt);
    return [
      {
        step: event.step,
        form,
        title,
        by: typeof event.receipt.by === 'string' ? event.receipt.by : null,
        at: event.ts,
        items: items.map(({ id, text }) => ({ text, done: false, note: '', ...answers.get(id) })),
      },
    ];
  });
}

function answersIn(receipt: Receipt): ReadonlyMap<string, { readonly done: boolean; readonly note: string }> {
  const answers = new Map<string, { readonly done: boolean; readonly note: string }>();
  const items: unknown = receipt.items;
  for (const item of Array.isArray(items) ? (items as readonly unknown[]) : []) {
    if (typeof item !== 'object' || item === null || !('id' in item) || typeof item.id !== 'string') continue;
    answers.set(item.id, {
      done: 'done' in item && item.done === true,
      note: 'note' in item && typeof item.note === 'string' ? item.note : '',
    });
  }
  return answers;
}
