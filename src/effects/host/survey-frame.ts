/** A source of a survey: what is asked, and how much of its answer is read. */
export type SurveySource = {
  readonly name: string;
  /** A test of the shell without which it is not asked, and counts as absent. */
  readonly where?: string;
  /** Bytes of it that are read. */
  readonly cap: number;
  /** It tells who uses the host, and is asked where only that is wanted. */
  readonly use?: true;
} & (
  | {
      /** The body of a function of the shell; `return` gives its exit code. */
      readonly asks: string;
      /** A program without which it is absent. */
      readonly by?: string;
      /** A test of the shell without which it has nothing to tell, and is known to be empty. */
      readonly unless?: string;
    }
  /** The first of these files that is there and may be read. */
  | { readonly files: readonly string[] }
);

/** Seconds. */
export interface SurveyLimits {
  /** After these, whatever is being asked is killed with all that it started. */
  readonly together: number;
  /** What had as many to itself by then is left out. */
  readonly each: number;
}

const frame = `
has() { command -v "$1" >/dev/null 2>&1; }
due() { case $from in '') ;; "$1") from=; [ $again = yes ] ;; *) false ;; esac; }
begin() { now=; { IFS=' .' read -r now rest </proc/uptime; } 2>/dev/null; echo "$1 $now" >&3; echo "<$1"; }
none() { due "$1" || return 0; echo "<$1"; echo "$1|%exit 0"; echo ">$1"; }
ask() {
  due "$1" || return 0
  if [ "$2" != - ] && ! has "$2"; then echo "!$1 absent"; return; fi
  if [ -z "$limited" ] && [ "$1" != facts ]; then echo "!$1 unlimited"; return; fi
  begin "$1"
  { { "ask_$1"; code=$?; echo; echo "%exit $code"; } 2>&1 | head -c "$3" | sed "s/^/$1|/"; } 3>&-
  echo
  echo ">$1"
}
files() {
  section=$1 cap=$2 why=absent
  due "$1" || return 0
  shift 2
  for path; do
    [ -f "$path" ] || continue
    if [ ! -r "$path" ]; then why=closed; continue; fi
    begin "$section"
    { { sed "s/^/$section|/" "$path" && echo && echo "$section|%exit 0"; } 2>/dev/null | head -c "$cap"; } 3>&-
    echo
    echo ">$section"
    return
  done
  echo "!$section $why"
}`;

const functionOf = (source: SurveySource): string =>
  'asks' in source ? `ask_${source.name}() {\n${source.asks}\n}\n` : '';

const callOf = (source: SurveySource): string => {
  const { name, cap, where } = source;
  if ('files' in source)
    return `${where === undefined ? '' : `${where} && `}files ${name} ${cap} ${source.files.join(' ')}`;
  const call = `ask ${name} ${source.by ?? '-'} ${cap}`;
  if (where !== undefined) return `if ${where}; then ${call}; fi`;
  return source.unless === undefined ? call : `if ${source.unless}; then ${call}; else none ${name}; fi`;
};

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/**
 * Asks a host for everything that the sources tell, in one command. POSIX sh: dash, bash and BusyBox run it. It reads only, and makes no file.
 *
 * Says `decom survey 1 UID`, then of every source
 *
 *     <NAME                  it begins
 *     NAME|LINE              a line of it
 *     NAME|%exit CODE        its last line; missing where it hung or was cut off
 *     >NAME                  it has ended
 *     ~NAME                  it was broken off for another's sake, and begins anew
 *
 * or `!NAME WHY` in place of all that: `absent` (no such program or file), `closed` (not for this login), `unlimited` (it might hang, and there is no `timeout`),
 * and at last `decom survey end`.
 *
 * Whatever a source prints has its name before every line, so it can neither end itself nor pass for another. Every source has a limit of bytes (`head -c`), and
 * all of them together one of seconds: a clock for each would be four processes more. When it is over, the whole process group is killed, and what was being asked
 * begins anew, at the head of the next group, unless it had time enough or stood at the head already: then it is left out. A process that cannot be killed
 * holds nothing but a pipe of the dead, so the script goes on without it. The subshell (hence `:`) waits for the group and buries it: BusyBox's `timeout` watches
 * it from beside, takes an unburied one for alive, and would hold the pipe until its time is over.
 *
 * `DECOM_SURVEY` names a program that writes all of it instead, given `words`: the practice machine is not the computer that it runs on.
 */
export const surveyFrame = (
  sources: readonly SurveySource[],
  words = '',
  { together, each }: SurveyLimits = { together: 15, each: 10 },
): string => `
[ -z "$DECOM_SURVEY" ] || exec "$DECOM_SURVEY"${words === '' ? '' : ` ${words}`}
LC_ALL=C TZ=UTC0 PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin; export LC_ALL TZ PATH
unset CDPATH ENV BASH_ENV
echo "decom survey 1 $(id -u)"
has() { command -v "$1" >/dev/null 2>&1; }
limit=
if has setsid; then
  if timeout -s TERM 60 true; then limit='setsid timeout -s TERM ${together}'
  elif timeout -t 60 true; then limit='setsid timeout -t ${together}'; fi
elif timeout --version | grep -q coreutils; then limit='timeout -s TERM ${together}'; fi 2>/dev/null >&2
asked=${quoted(`from=$1 again=$2 limited=$3
trap 'kill -9 0' TERM
{${frame}
${sources.map(functionOf).join('')}${sources.map(callOf).join('\n')}
[ -n "$from" ] || echo end >&3
} & wait`)}
from= again=yes
exec 4>&1
while :; do
  last=$({ $limit sh -c "$asked" sh "$from" $again "$limit"; :; } 3>&1 >&4 4>&- 2>/dev/null </dev/null)
  last=\${last##*
}
  case $last in end) echo 'decom survey end'; exit ;; '') exit ;; esac
  was=\${last#* } last=\${last%% *} now=
  { IFS=' .' read -r now rest </proc/uptime; } 2>/dev/null
  echo
  if [ "$last $again" = "$from yes" ] || [ $((\${now:-${each + 1}} - \${was:-0})) -gt ${each} ]; then again=no
  else again=yes; echo "~$last"; fi
  from=$last
done
`;
