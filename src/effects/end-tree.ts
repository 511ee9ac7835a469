/**
 * Ends a program with all that it started: its process group, its session and every descendant, because sudo may put its command
 * into a session of its own. TERM first, KILL after the grace. Exits 0 when nothing of it is left, 1 otherwise.
 *
 *     sh -c SCRIPT sh GROUP TENTHS      (TENTHS of a second between TERM and KILL)
 *
 * A known process is remembered with its start time, so that a reused number is never signalled.
 * Closing an SSH channel stops nothing on the other side, and sshd ignores signal requests for root: hence this second way in.
 */
export const endTreeScript = `
root=$1 left=$2 tree=" $1 " seen=" "
look() {
  alive= more=1
  while [ -n "$more" ]; do
    more=
    for file in /proc/[0-9]*/stat; do
      line=
      { IFS= read -r line <"$file"; } 2>/dev/null
      [ -n "$line" ] || continue
      pid=\${file#/proc/} pid=\${pid%/stat}
      set -- \${line##*) }
      case $1 in Z | X | x) continue ;; esac
      [ "$pid" != "$$" ] || continue
      case $seen in *" $pid/\${20} "*) continue ;; esac
      case $tree in
        *" $pid "*) [ "$pid" = "$root" ] || continue ;;
        *" $2 "* | *" $3 "* | *" $4 "*) ;;
        *) continue ;;
      esac
      tree="$tree$pid " seen="$seen$pid/\${20} " more=1
    done
  done
  for one in $seen; do
    pid=\${one%/*} line=
    { IFS= read -r line <"/proc/$pid/stat"; } 2>/dev/null
    [ -n "$line" ] || continue
    set -- \${line##*) }
    case $1 in Z | X | x) continue ;; esac
    [ "$pid/\${20}" != "$one" ] || alive="$alive $pid"
  done
}
if [ -r /proc/self/stat ]; then
  look
  kill -TERM $alive 2>/dev/null
  kill -CONT $alive 2>/dev/null
  while look; [ -n "$alive" ]; do
    [ "$left" -gt -20 ] || exit 1
    [ "$left" -gt 0 ] || kill -KILL $alive 2>/dev/null
    left=$((left-1))
    sleep 0.1 2>/dev/null || sleep 1
  done
else
  kill -TERM -- "-$root" 2>/dev/null
  while kill -0 -- "-$root" 2>/dev/null; do
    [ "$left" -gt -20 ] || exit 1
    [ "$left" -gt 0 ] || kill -KILL -- "-$root" 2>/dev/null
    left=$((left-1))
    sleep 0.1 2>/dev/null || sleep 1
  done
fi
exit 0`;
