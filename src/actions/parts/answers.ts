import type { Past } from '../../core/action.ts';
import type { Receipt } from '../../core/operation.ts';

/** One item as a person left it. */
export interface AnsweredItem {
  readonly id: string;
  readonly done: boolean;
  readonly note: string;
}

/** What a person answered last in this step, and who; null while nobody has. */
export interface Answered {
  readonly by: string;
  readonly items: readonly AnsweredItem[];
}

/** The last answer on record. Only what is on disk counts: a tick that no journal line holds was never given. */
export function lastAnswer({ done }: Past): Answered | null {
  const last = done.findLast(({ operation }) => operation.kind === 'ask');
  return last === undefined ? null : answeredOf(last.receipt);
}

function answeredOf(receipt: Receipt): Answered {
  const items = Array.isArray(receipt.items) ? receipt.items : [];
  return {
    by: typeof receipt.by === 'string' ? receipt.by : '',
    items: items.flatMap((item: unknown) =>
      isItem(item) ? [{ id: item.id, done: item.done, note: item.note ?? '' }] : [],
    ),
  };
}

const isItem = (item: unknown): item is { id: string; done: boolean; note?: string } =>
  typeof item === 'object' &&
  item !== null &&
  'id' in item &&
  typeof item.id === 'string' &&
  'done' in item &&
  typeof item.done === 'boolean' &&
  (!('note' in item) || typeof item.note === 'string');
