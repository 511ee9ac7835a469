import type { PerformContext } from '../../../core/action.ts';
import type { DatabasesComparison } from '../../../core/databases.ts';
import { fail, ok, type Result, type Seen, seen, unseen } from '../../../core/result.ts';
import { diskTrouble } from '../disk-trouble.ts';
import { type Asked, answerTo, type Counted, countRows, lines, silent } from './ask-server.ts';
import { type Drill, openDrill } from './drill.ts';
import type { DumpsManifest } from './dumps-manifest.ts';
import { endLeftServer } from './left-server.ts';
import { startHere } from './start-here.ts';
import { talkTo } from './talk.ts';
import { startThrowAway } from './throw-away.ts';

/** Starts what was restored once more, counts every table and asks every question anew, and stops it. */
export async function compareDatabases(
  { copy, scratch }: { readonly copy: string; readonly scratch: string },
  context?: PerformContext,
): Promise<Seen<DatabasesComparison>> {
  try {
    const drill = await openDrill(copy, scratch);
    if (!drill.ok) return unseen(drill.error);
    const { dialect, folder, view } = drill.value;
    const ended = await endLeftServer(scratch);
    if (!ended.ok) return unseen(ended.error);
    const server = await startThrowAway(dialect.here, folder, scratch, view, context?.signal);
    if (!server.ok) return unseen(server.error);
    const compared = await compare(drill.value, context);
    const stopped = await server.value.stop();
    if (!compared.ok) return unseen(compared.error);
    return stopped.ok ? seen(compared.value) : unseen(stopped.error);
  } catch (error) {
    return unseen(diskTrouble(error, scratch));
  }
}

async function compare(drill: Drill, context: PerformContext | undefined): Promise<Result<DatabasesComparison>> {
  const { manifest, description } = drill;
  const differences: string[] = [];
  const total = { tables: 0, rows: 0, answers: 0 };
  for (const one of manifest.databases) {
    context?.progress({ what: `counting the rows of ${one.name}` });
    const again = await sayAgain(drill, one, context?.signal);
    if (!again.ok) return again;
    total.tables += again.value.tables.length;
    total.rows += again.value.tables.reduce((sum, [, rows]) => sum + rows, 0);
    total.answers += again.value.answers.length;
    differences.push(
      ...unequalTables(one.name, one.tables, again.value.tables),
      ...unequalAnswers(one, again.value.answers),
    );
  }
  return ok({
    manifest: description.manifest.sha256,
    databases: manifest.databases.map(({ name }) => name),
    ...total,
    differences: differences.slice(0, 100),
    count: differences.length,
    server: drill.server,
  });
}

type One = DumpsManifest['databases'][number];

async function sayAgain(
  { dialect, way, view, server }: Drill,
  { name, answers }: One,
  signal: AbortSignal | undefined,
): Promise<Result<Pick<One, 'tables' | 'answers'>>> {
  const asked: Asked = { server: `${server} here`, database: name };
  const talk = talkTo(startHere(view.wrap(dialect.session(way, name)), signal), dialect.mark);
  try {
    const begun = await lines(talk, dialect.begin, asked);
    if (!begun.ok) return begun;
    const tables = await countRows(talk, dialect, asked);
    if (!tables.ok) return tables;
    const said: One['answers'][number][] = [];
    for (const { sql } of answers) {
      const answer = await answerTo(talk, dialect, sql, asked);
      if (!answer.ok) return answer;
      said.push({ sql, ...answer.value });
    }
    const silence = await talk.end(dialect.end);
    return silence === undefined ? ok({ tables: tables.value, answers: said }) : fail(silent(silence, asked));
  } finally {
    talk.drop();
  }
}

function unequalTables(database: string, there: readonly Counted[], here: readonly Counted[]): readonly string[] {
  const [was, is] = [new Map(there), new Map(here)];
  return [...new Set([...was.keys(), ...is.keys()])].sort().flatMap((name) => {
    const [before, now] = [was.get(name), is.get(name)];
    if (before === now) return [];
    return [
      `${database}.${name}: ${before === undefined ? 'not there' : `${before} rows there`}, ${now === undefined ? 'not here' : `${now} here`}`,
    ];
  });
}

const unequalAnswers = ({ name, answers }: One, here: One['answers']): readonly string[] =>
  answers.flatMap(({ sql, sha256, text }, i) =>
    here[i]?.sha256 === sha256
      ? []
      : [`${name}, asked "${short(sql)}": "${short(text)}" there, "${short(here[i]?.text ?? '')}" here`],
  );

const short = (text: string): string => (text.length > 120 ? `${text.slice(0, 120)}…` : text);
