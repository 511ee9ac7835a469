/** A value as text; null prints as "not recorded". */
export type Shown = string | null;

/** What a document is made of, before it is shown as anything. All text in it is still raw: each view neutralises it. */
export type Block =
  | { readonly block: 'text'; readonly text: string }
  | { readonly block: 'fields'; readonly fields: readonly (readonly [name: string, value: Shown])[] }
  | { readonly block: 'list'; readonly items: readonly string[] }
  /** `empty` is said instead of a table without rows. */
  | {
      readonly block: 'table';
      readonly caption: string;
      readonly head: readonly string[];
      readonly rows: readonly (readonly Shown[])[];
      readonly empty: string;
      /** Tables of one kind have columns of the same widths, so that they can be read down over several of them. */
      readonly kind?: 'steps';
    }
  /** Long matter that a reader opens when needed. */
  | { readonly block: 'details'; readonly summary: string; readonly items: readonly string[] };

export interface Section {
  readonly title: string;
  readonly level: 2 | 3;
  readonly blocks: readonly Block[];
}

export const notRecorded = 'not recorded';

/** An instant of the journal (RFC 3339, UTC) as people read it. */
export const timeText = (ts: string | null): Shown => {
  if (ts === null) return null;
  const match = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(?:\.\d+)?Z$/.exec(ts);
  return match === null ? ts : `${match[1]} ${match[2]} UTC`;
};

/** Said in place of what there is none of. */
export const none = (text: string): Block => ({ block: 'text', text });
