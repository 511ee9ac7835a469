/**
 * Makes the folder that the acts of a step are kept in. POSIX sh: dash and BusyBox run it.
 *
 *     sh -c SCRIPT sh NONCE RUN/STEP
 *
 * It lies in `/run/decom` for root, else (and where that cannot be written) `~/.decom/run`, or `$DECOM_JOBS`. Each part is the
 * login's own, no symlink, and closed to others, because in a folder that somebody else prepared an act could look done. Says `NONCE ready UID BOOT FOLDER`, or
 * `NONCE nowhere FOLDER`, or `NONCE no-boot-id`.
 */
export const prepareScript = `
umask 077
nonce=$1 step=$2
boot=
{ read -r boot </proc/sys/kernel/random/boot_id; } 2>/dev/null
[ -n "$boot" ] || { echo "$nonce no-boot-id"; exit 0; }
uid=$(id -u)
one= two=
case \${DECOM_JOBS:-} in
  /*) one=$DECOM_JOBS ;;
  *)
    [ "$uid" != 0 ] || one=/run/decom
    case \${HOME:-} in /*) two=\${HOME%/}/.decom/run ;; esac
    ;;
esac
ours() { [ -d "$1" ] && [ ! -L "$1" ] && [ -O "$1" ]; }
make() {
  case $1 in
    */.decom/run) mkdir -p "\${1%/run}" && ours "\${1%/run}" || return 1 ;;
  esac
  [ -d "$1" ] || mkdir -p "$1" || return 1
  ours "$1" && chmod 700 "$1" || return 1
  [ -d "$1/$step" ] || mkdir -p "$1/$step" || return 1
  ours "$1" && ours "$1/\${step%/*}" && ours "$1/$step" && [ -w "$1/$step" ]
}
for base in "$one" "$two"; do
  [ -n "$base" ] || continue
  if make "$base" 2>/dev/null; then
    echo "$nonce ready $uid $boot $base/$step"
    exit 0
  fi
done
echo "$nonce nowhere \${one:-$two}"
`;

/**
 * Begins an act so that it outlives the connection, or finds out what became of one. POSIX sh: dash and BusyBox run it.
 *
 *     sh -c SCRIPT sh begin NONCE BOOT BASE/RUN/STEP/ACT HOW COUNT [NAME…] DIRECTORY PROGRAM [ARGUMENT…]
 *     sh -c SCRIPT sh look|stop NONCE BOOT BASE/RUN/STEP/ACT
 *
 * The last folder is the fence: whoever makes it first decides whether the act ever begins. The job makes it itself, in the moment before
 * the program, so a job that comes late finds the fence of a `look` and does nothing. `stop` makes none. The folder above it was made before
 * the intent was recorded, and none of this makes it: where it is gone, nothing is known.
 * `stop` marks an act that still runs before its caller ends it: a program whose children are killed may well exit 0, and from the mark on no
 * end of it is believed.
 * In it: `pid` (number and start time of the job), `out` and `err` (the first 64 reads, at most 64 KiB, written at once; `*.last`: the end
 * of the rest), and `rc`: `---` until it ends, then its code, written over it at once, so that a disk that has filled up holds it too.
 *
 * Standard input holds, for each NAME, the number of lines of its value and the value; then NONCE: without it the connection was cut while
 * they were sent, and nothing begins. HOW is `login`, or `sudo`: then the job is the login's own, and only the program is sudo's, so
 * that rules in sudoers see it.
 *
 * Says one line, `NONCE STATE [NUMBER]`: `ended RC` (then the last 4 KiB of both streams on its own), `never` (fenced), `gone` (it was
 * begun, is not alive, and left no end that can be believed), `alive PID` (stop only: it is marked), `rebooted`, `nowhere` (the fence could not be made), `cut`.
 *
 * What comes after `out` is full goes through `tail` and never through the shell, which would hold a line of any length in memory, byte by
 * byte. Whether there is more is told by what `dd` counts; where that cannot be read, or the disk is full, the rest is read away all the
 * same: a program must not end because nobody listens.
 *
 * Every program that this starts costs a fork on a machine that may be old and busy: hence builtins wherever they do.
 */
export const jobScript = `
umask 077
mode=$1 nonce=$2 boot=$3 place=$4
shift 4
say() { printf '%s %s\\n' "$nonce" "$*"; }
now=
{ read -r now </proc/sys/kernel/random/boot_id; } 2>/dev/null
[ "$now" = "$boot" ] || { say rebooted; exit 0; }

tail_of() {
  if [ -s "$1.last" ]; then cat "$1" "$1.last" | tail -c 4096
  elif [ -s "$1" ]; then tail -c 4096 "$1"; fi
}
begun_at() {
  case $1 in Z | X | x) ;; *) shift 19; started=$1 ;; esac
}
alive() {
  pid= start= stat= started=
  { read -r pid start <"$place/pid"; } 2>/dev/null
  [ -n "$pid" ] || return 1
  { IFS= read -r stat <"/proc/$pid/stat"; } 2>/dev/null
  [ -z "$stat" ] || begun_at \${stat##*) }
  [ "$started" = "$start" ]
}
ended() {
  rc=
  { read -r rc <"$place/rc"; } 2>/dev/null
  case $rc in '' | ---) return 1 ;; esac
}
report() {
  if [ -e "$place/stopped" ]; then say gone
  elif ended; then
    say ended "$rc"
    tail_of "$place/out"
    tail_of "$place/err" >&2
  elif [ -e "$place/fence" ]; then say never
  else say gone; fi
}
# Until the job has ended; one that has only just made its folder is given five seconds to name itself.
await() {
  left=50
  while ! ended && [ ! -e "$place/fence" ]; do
    if [ -s "$place/pid" ]; then
      alive || return 0
    else
      left=$((left-1))
      [ "$left" -gt 0 ] || return 0
    fi
    sleep 0.1 2>/dev/null || sleep 1
  done
}

case $mode in
  stop)
    if [ ! -d "$place" ]; then say nowhere
    elif ! ended && alive && : >"$place/stopped"; then say alive "$pid"
    else report; fi
    exit 0
    ;;
  look)
    if [ ! -d "$place" ] && mkdir "$place" 2>/dev/null; then
      : >"$place/fence"
      say never
    elif [ -d "$place" ]; then
      await
      report
    else say nowhere; fi
    exit 0
    ;;
esac

how=$1
shift
input=
if [ "$1" != 0 ]; then
  input=$(cat; printf x)
  case $input in
    "$nonce
x" | *"
$nonce
x") input=\${input%"$nonce"?x} ;;
    *) say cut; exit 0 ;;
  esac
fi
ours() { [ -d "$1" ] && [ ! -L "$1" ] && [ -O "$1" ]; }
step=\${place%/*}
ours "$step" && ours "\${step%/*}" && ours "\${step%/*/*}" || { say nowhere; exit 0; }
if [ -d "$place" ]; then await; report; exit 0; fi

reader='
count=$1; shift
while [ "$count" -gt 0 ]; do
  name=$1; shift
  IFS= read -r lines; IFS= read -r value
  while [ "$lines" -gt 1 ]; do IFS= read -r more; value="$value
$more"; lines=$((lines-1)); done
  export "$name=$value"
  count=$((count-1))
done
directory=$1; shift
unset count name lines value more
if [ -n "$directory" ]; then cd -- "$directory" || exit 126; fi
unset directory
exec "$@" </dev/null'
job='
place=$1 how=$2 reader=$3
shift 3
keep() {
  read=$(LC_ALL=C dd bs=1024 count=64 2>&1 >"$1")
  case $read in
    [0-9]*+[0-9]*" records in"*) read=\${read%% *} read=$((\${read%+*}+\${read#*+})) ;;
    *) read=64 ;;
  esac
  [ "$read" -lt 64 ] || tail -c 4096 >"$1.last" || cat >/dev/null
  echo kept >&5
}
begun_at() { shift 19; start=$1; }
mkdir "$place" 2>/dev/null || exit 0
stat= start=
{ IFS= read -r stat <"/proc/$$/stat"; } 2>/dev/null
begun_at \${stat##*) }
if ! { : >"$place/out" && : >"$place/err" && echo "---" >"$place/rc" && echo "$$ $start" >"$place/pid"; } 2>/dev/null; then
  rm -rf "$place"
  exit 0
fi
program() {
  if [ "$1" = 0 ] && [ -z "$2" ]; then
    shift 2
    if [ "$how" = sudo ]; then LC_ALL=C exec sudo -n -- "$@" </dev/null; else exec "$@" </dev/null; fi
  elif [ "$how" = sudo ]; then LC_ALL=C exec sudo -n -- sh -c "$reader" sh "$@"
  else exec sh -c "$reader" sh "$@"; fi
}
# A program that leaves a daemon behind keeps its streams open: its own end is told by "rc", and they are waited for one second more.
{
  {
    {
      (program "$@") 2>&3 3>&- 5>&-
      printf "%-3s\\n" "$?" 1<>"$place/rc"
      (sleep 1; echo late >&5) >/dev/null 3>&- &
    } | keep "$place/out" 3>&-
  } 3>&1 | keep "$place/err"
} 2>/dev/null'
apart=
command -v setsid >/dev/null 2>&1 && apart=setsid
{
  if [ -n "$input" ]; then printf %s "$input" | $apart sh -c "$job" sh "$place" "$how" "$reader" "$@" 5>&1 >/dev/null 2>&1 &
  else $apart sh -c "$job" sh "$place" "$how" "$reader" "$@" 5>&1 </dev/null >/dev/null 2>&1 & fi
} | {
  kept=0 line=
  while [ "$kept" -lt 2 ] && read -r line && [ "$line" != late ]; do kept=$((kept+1)); done
  if [ ! -d "$place" ]; then say nowhere
  else
    [ -n "$line" ] || await
    report
  fi
}
`;
