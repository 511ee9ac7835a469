import { type Json, jcs } from './json.ts';
import { fail, ok, type Result, trouble } from './result.ts';

/** SSHSIG namespace of what people say about a run. */
export const statementNamespace = 'decom-statement@v1';

/** Greatest size of a statement's file in bytes: with all that a line of the log adds it stays far below that line's limit. */
export const maxStatement = 16 * 1024;

interface Said {
  /** Random: the same statement is taken in once. 16 hex digits. */
  readonly id: string;
  readonly run: string;
  readonly host: string;
  /** Digest of the intent that was in force when it was made. */
  readonly intent: string;
  /** The person, as the allowed signers call them; where nothing is signed, their login. */
  readonly by: string;
  /** When it was made, RFC 3339, by the clock of whoever made it. */
  readonly at: string;
  /** A reason, a note or the comment itself. */
  readonly text: string;
}

/**
 * What a person says about a run that another process may be driving. `approve` agrees to the intent; `comment` says something; `sign` vouches
 * for the log as it stood at a head; `tick` answers one item of a form; `waive` answers for passing a gate.
 */
export type Statement = Said &
  /** Without an end, as before it had one, it opens no gate. */
  (
    | { readonly kind: 'approve'; readonly role?: string | null; readonly expires?: string }
    | { readonly kind: 'comment' }
    | { readonly kind: 'sign'; readonly role: string | null; readonly size: number; readonly hash: string }
    | { readonly kind: 'tick'; readonly step: string; readonly item: string; readonly done: boolean }
    /** `found`: SHA-256 of the list of what had been found, where the gate is a kind of finds. */
    | { readonly kind: 'waive'; readonly step: string; readonly gate: string; readonly found?: string }
  );

export type StatementKind = Statement['kind'];
export type StatementOf<K extends StatementKind> = Extract<Statement, { readonly kind: K }>;

/** A statement as it lies in an inbox. `signed` is an SSHSIG in base64 without its armour; null where logs are not signed. */
export interface SignedStatement {
  readonly statement: Statement;
  readonly signed: string | null;
}

/** What is signed: the statement alone, as canonical JSON, newline included. */
export const statementBytes = (statement: Statement): Uint8Array => new TextEncoder().encode(`${jcs(statement)}\n`);

/** The name of its file: in an inbox, what was said first comes first, so that a later tick of an item counts. */
export const statementName = ({ at, id }: Statement): string => `${at.replaceAll(':', '-')}-${id}.json`;

/** The file of a statement: canonical JSON, newline included. */
export const statementFile = (signed: SignedStatement): Uint8Array => new TextEncoder().encode(`${jcs(signed)}\n`);

type Check = (value: unknown) => boolean;
const text =
  (longest: number): Check =>
  (value) =>
    typeof value === 'string' && value.length <= longest;
const matching =
  (pattern: RegExp): Check =>
  (value) =>
    typeof value === 'string' && pattern.test(value);
const hash = matching(/^[0-9a-f]{64}$/);
const name = matching(/^[^\s"\p{Cc}]{1,200}$/u);
const time = matching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

const role: Check = (value) => value === null || matching(/^[a-z][a-z-]{0,40}$/)(value);
const instant: Check = (value) => time(value) && !Number.isNaN(Date.parse(value as string));

const common: Readonly<Record<keyof Said, Check>> = {
  id: matching(/^[0-9a-f]{16}$/),
  run: matching(/^[0-9a-z-]{1,64}$/),
  host: name,
  intent: hash,
  by: name,
  at: instant,
  text: text(4000),
};

type Own<K extends StatementKind> = Exclude<keyof StatementOf<K>, keyof Said | 'kind'>;

const fields: { readonly [K in StatementKind]: { readonly [field in Own<K>]-?: Check } } = {
  approve: { role, expires: instant },
  comment: {},
  sign: {
    role,
    size: (value) => Number.isSafeInteger(value) && (value as number) > 0,
    hash,
  },
  tick: { step: name, item: name, done: (value) => typeof value === 'boolean' },
  waive: { step: name, gate: name, found: hash },
};

/** Fields that a statement may lack: those that were added later, or that not all of its kind have. */
const mayLack = new Set<string>(['approve role', 'approve expires', 'waive found']);

/** Kinds whose text says what would otherwise be left unsaid. */
const wantsText = new Set<string>(['comment', 'waive']);

/** Why a value is no statement; undefined where it is one. */
export function statementFault(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return 'it holds no statement';
  const given = value as { readonly [field: string]: unknown };
  const kind = given.kind;
  if (typeof kind !== 'string' || !Object.hasOwn(fields, kind)) return `it is of no known kind (${String(kind)})`;
  const wanted: { readonly [field: string]: Check } = {
    ...common,
    kind: () => true,
    ...fields[kind as StatementKind],
  };
  const strange = Object.keys(given).find((field) => !Object.hasOwn(wanted, field));
  if (strange !== undefined) return `it has a field "${strange}" that no statement of its kind has`;
  for (const [field, fits] of Object.entries(wanted)) {
    if (!Object.hasOwn(given, field)) {
      if (mayLack.has(`${kind} ${field}`)) continue;
      return `its field "${field}" is missing`;
    }
    if (!fits(given[field])) return `its field "${field}" holds what does not belong there`;
  }
  if (wantsText.has(kind) && (given.text as string).trim() === '') return 'its text is empty';
  return undefined;
}

/**
 * Reads the file of a statement. Only the very bytes that `statementFile` makes are taken, so that there are no two files of one statement.
 * Whether its signature holds is not asked here. Trouble: `not-a-statement`.
 */
export function readStatement(bytes: Uint8Array, file: string): Result<SignedStatement> {
  const refused = (why: string) =>
    fail(
      trouble(
        'not-a-statement',
        `${file} cannot be taken: ${why}`,
        'Take the file as decom approve, comment, sign, tick or waive wrote it, unchanged.',
      ),
    );
  if (bytes.length > maxStatement) return refused(`it has ${bytes.length} bytes, and ${maxStatement} are allowed`);
  let value: unknown;
  let canonical: string;
  try {
    const read = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    value = JSON.parse(read);
    canonical = `${jcs(value as Json)}\n`;
    if (canonical !== read) return refused('its bytes were changed since it was made');
  } catch {
    return refused('it is not the JSON that decom writes');
  }
  const { statement, signed, ...rest } = (value ?? {}) as { readonly statement?: unknown; readonly signed?: unknown };
  const fault = statementFault(statement);
  if (fault !== undefined) return refused(fault);
  if (Object.keys(rest).length > 0) return refused('it holds more than a statement and its signature');
  if (signed !== null && !(typeof signed === 'string' && /^[A-Za-z0-9+/]{40,8000}={0,2}$/.test(signed)))
    return refused('its signature is none');
  return ok({ statement: statement as Statement, signed });
}
