import { enterFolder } from './enter-folder.ts';

/**
 * Runs a long program on a helper. As `shelf-script`, it goes down from the declared folder; the program's own arguments lie below it.
 *
 *     sh -c SCRIPT sh FOLDER PATH OUT PROGRAM [ARGUMENT…]
 *
 * Standard input is held open by whoever waits for the program: when it ends, because the connection is lost, the program is ended too, so that no
 * copy goes on that nobody knows of. With OUT, the program's output goes to that file, and its length is told every other second.
 */
export const workScript = `
refused=121
${enterFolder}
enter "$1" || exit 121
out=$2
shift 2
set +f
[ -z "$out" ] || { fresh "$out"; set +C; : >"./$out"; }
exec 4<&0
{ cat <&4; kill -TERM 0; } >/dev/null 2>&1 &
watch=$!
exec 4<&-
if [ -z "$out" ]; then
  "$@" </dev/null
  rc=$?
else
  { while sleep 2 >/dev/null 2>&1; do set -- $(wc -c <"./$out"); echo "bytes $1"; done; } 2>/dev/null </dev/null &
  tick=$!
  "$@" </dev/null >"./$out"
  rc=$?
  kill "$tick" 2>/dev/null
  # Not every program says that it could not write.
  [ "$rc" = 0 ] || head -c 65536 /dev/zero >>"./$out"
fi
kill "$watch" 2>/dev/null
exit "$rc"
`;
