import { createHash } from 'node:crypto';
import type { Ended } from '../../../core/ports.ts';
import { fail, ok, type Result, type Trouble, trouble } from '../../../core/result.ts';
import type { Dialect, Table } from './dialect.ts';
import { firstLine } from './look.ts';
import type { Silence, Talk } from './talk.ts';

/** An answer as it is kept: all of a short one, and the hash of a long one too. */
export interface KeptAnswer {
  readonly sha256: string;
  readonly text: string;
}

/** A table and how many rows it has. */
export type Counted = readonly [name: string, rows: number];

/** Where and of what something was asked, for people. */
export interface Asked {
  /** `PostgreSQL on web01` */
  readonly server: string;
  readonly database: string;
}

/** Of each table, by name, how many rows the session sees. */
export async function countRows(talk: Talk, dialect: Dialect, asked: Asked): Promise<Result<readonly Counted[]>> {
  const listed = await lines(talk, dialect.tables, asked);
  if (!listed.ok) return listed;
  const tables = listed.value.map(dialect.table);
  const counted: Counted[] = [];
  for (let at = 0; at < tables.length; at += batch) {
    const some = tables.slice(at, at + batch).filter((table): table is Table => table !== undefined);
    const counts = await lines(talk, some.map(dialect.count).join('\n'), asked);
    if (!counts.ok) return counts;
    const numbers = counts.value.map(Number);
    if (
      numbers.length !== some.length ||
      !numbers.every(Number.isSafeInteger) ||
      some.length !== tables.slice(at, at + batch).length
    ) {
      return fail(
        trouble(
          'answer-unclear',
          `${asked.server} did not say how many rows each table of "${asked.database}" has`,
          'Look at its log, then try again.',
          counts.value.join('\n').slice(0, 2000),
        ),
      );
    }
    counted.push(...some.map(({ name }, i): Counted => [name, numbers[i] ?? 0]));
  }
  return ok(counted.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Hides the round trip, and keeps what is sent at once below any limit. */
const batch = 200;

/** The answer to a question of the runbook. */
export async function answerTo(talk: Talk, dialect: Dialect, sql: string, asked: Asked): Promise<Result<KeptAnswer>> {
  const answer = await lines(talk, dialect.answer(sql), asked);
  if (!answer.ok) return answer;
  const text = answer.value.join('\n');
  return ok({ sha256: createHash('sha256').update(text).digest('hex'), text: text.slice(0, 4096) });
}

export async function lines(talk: Talk, statements: string, asked: Asked): Promise<Result<readonly string[]>> {
  const answer = await talk.ask(statements);
  return 'lines' in answer ? ok(answer.lines) : fail(silent(answer, asked));
}

export const silent = ({ ended, said }: Silence, asked: Asked): Trouble => endedBadly(ended, said, asked, 'asked');

/** Why a program of a server ended, as trouble. Its own words tell what befell the server. */
export function endedBadly(ended: Ended, said: string, { server, database }: Asked, doing: string): Trouble {
  if (ended.how === 'lost' || ended.how === 'aborted') return ended.trouble;
  const of = database === '' ? server : `"${database}" of ${server}`;
  if (/server version mismatch/.test(said)) {
    return trouble(
      'tool-too-old',
      `the program on the host that dumps is older than ${server}`,
      'Install the one of its release there.',
      said,
    );
  }
  if (/database .* does not exist/i.test(said)) {
    return trouble(
      'database-gone',
      `${of} was dropped before it was copied`,
      'If that was meant, take it off "databases" and plan anew: decom replan.',
      said,
    );
  }
  if (ended.how === 'signal' || cut.test(said)) {
    return trouble(
      'database-cut',
      `${server} ended the connection while ${database === '' ? 'it' : `"${database}"`} was ${doing}: ${firstLine(said)}`,
      'It was stopped, restarted, or the database was dropped. Start it, then try again: the copy begins anew.',
      said,
    );
  }
  return trouble(
    'dump-failed',
    `${of} could not be ${doing}: ${firstLine(said)}`,
    'Read what it said, then try again.',
    said,
  );
}

const cut =
  /terminating connection|server closed the connection|shutting down|is starting up|connection to server was lost|connection to server .* failed/i;
