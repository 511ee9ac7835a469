import { type Seen, seen, type Trouble, trouble, unseen } from '../../core/result.ts';
import type { Listed, LoginRow, SessionRow } from '../../core/survey.ts';
import { type Answers, clean, linesOf, listed, rowsOf } from './survey-answers.ts';

/**
 * Who is logged in: by who(1), by systemd-logind, and by the owners of open terminals, which tell of sessions that no record was made of. Someone
 * who came without a terminal and without logind is seen by the connection alone.
 */
export function sessionsOf(answers: Answers, own: string): Seen<Listed<SessionRow>> {
  const lacks: Trouble[] = [];
  const who = answers.of('who');
  const logind = answers.of('logind');
  const terminals = answers.of('terminals');
  const rows: SessionRow[] = [];
  if (who.how === 'read' && who.exit === 0) rows.push(...rowsOf(answers, 'who', who.lines, byWho, lacks));
  if (who.how === 'unread') lacks.push(who.trouble);
  const names = userNames(answers);
  const also = [
    ...(logind.how === 'read' && logind.exit === 0
      ? rowsOf(answers, 'logind', logind.lines, (line) => byLogind(line, own), lacks)
      : []),
    ...(terminals.how === 'read' && terminals.exit === 0
      ? rowsOf(answers, 'terminals', terminals.lines, (line) => byTerminal(line, names), lacks)
      : []),
  ];
  if (logind.how === 'unread') lacks.push(logind.trouble);
  for (const row of also)
    if (
      !rows.some(
        ({ tty, user, own: asks }) => tty === row.tty && (tty !== '' || (user === row.user && asks === row.own)),
      )
    )
      rows.push(row);
  const asked = [who, logind, terminals].some((answer) => answer.how === 'read' && answer.exit === 0);
  if (asked) return seen(listed(rows, lacks));
  return unseen(
    lacks[0] ??
      trouble(
        'no-sessions',
        `${answers.host} does not tell who is logged in: it keeps no utmp and no terminals`,
        'Look there: ps -ef',
      ),
  );
}

/** `root     pts/0        Nov 23 01:00 (192.0.2.1)`; BusyBox has heads, and puts the idle time before it. */
function byWho(line: string): SessionRow | undefined | null {
  if (/^USER\s+TTY/.test(line)) return null;
  const [, user, tty, since = ''] = /^(\S+)\s+(?:[+?-]\s+)?(\S+)\s*(.*)$/.exec(line) ?? [];
  if (user === undefined || tty === undefined) return undefined;
  const from = /\(([^()]*)\)\s*$/.exec(since)?.[1] ?? '';
  return {
    user: clean(user),
    tty: clean(tty),
    from: clean(from),
    since: clean(since.replace(/\([^()]*\)\s*$/, '')),
    own: false,
  };
}

/** `3 1000 alice seat0 tty2 active no -`: columns differ by version; a tty is told by its name. */
function byLogind(line: string, own: string): SessionRow | undefined | null {
  const [, id, user, rest = ''] = /^\s*(\S+)\s+\d+\s+(\S+)\s*(.*)$/.exec(line) ?? [];
  if (user === undefined) return undefined;
  // Its own managers of users are no sessions of people.
  if (/\bmanager(-early)?\b/.test(rest)) return null;
  return {
    user: clean(user),
    tty: /\b(pts\/\d+|tty\w+)\b/.exec(rest)?.[1] ?? '',
    from: '',
    since: '',
    own: own !== '' && id === own,
  };
}

/** `crw--w---- 1 1000 5 136, 0 Nov 23 01:00 0`, `/dev/pts/ptmx` aside. */
function byTerminal(line: string, names: ReadonlyMap<string, string>): SessionRow | undefined | null {
  if (/^total /.test(line) || /\sptmx$/.test(line)) return null;
  const [, owner, since, number] = /^c\S+\s+\d+\s+(\d+)\s+\d+\s+\d+,\s*\d+\s+(.+)\s(\d+)$/.exec(line) ?? [];
  if (owner === undefined) return undefined;
  return { user: names.get(owner) ?? owner, tty: `pts/${number}`, from: '', since: clean(since ?? ''), own: false };
}

function userNames(answers: Answers): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const line of linesOf(answers, 'passwd', [])) {
    const [name = '', , id = ''] = line.split(':');
    if (!names.has(id)) names.set(id, clean(name));
  }
  return names;
}

/** The last that logged in, newest first, by last(1). */
export function lastLoginsOf(answers: Answers): Seen<Listed<LoginRow>> {
  const answer = answers.of('last');
  if (answer.how === 'unread') return unseen(answer.trouble);
  if (answer.how === 'absent' || answer.exit !== 0) {
    return unseen(
      trouble(
        'no-last',
        `${answers.host} does not tell who logged in before: it has no last(1), or no /var/log/wtmp`,
        'Look there: journalctl -u ssh',
      ),
    );
  }
  const lacks: Trouble[] = [];
  const rows = rowsOf(answers, 'last', answer.lines, byLast, lacks);
  return seen(listed(rows, lacks));
}

function byLast(line: string): LoginRow | undefined | null {
  if (/^(wtmp|utmp|wtmpdb|\S*) begins |^(reboot|shutdown|runlevel|USER|last:)\b/.test(line)) return null;
  const [, user, tty, middle = '', at] =
    /^(\S+)\s+(\S+)\s+(.*?)\s*((?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) \w{3}\s+\d+ \d\d:\d\d(?::\d\d \d{4})?)/.exec(line) ?? [];
  if (user === undefined || tty === undefined) return undefined;
  return { user: clean(user), tty: clean(tty), from: clean(middle), at: clean(at ?? '') };
}
