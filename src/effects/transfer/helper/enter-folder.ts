/** Goes into the declared folder first; `enter` goes down from there. Shared by every script that changes something on a helper. */
export const enterFolder = `
set -f
umask 077
LC_ALL=C
export LC_ALL
root=$1
shift
say() { printf '%s\\n' "$*"; }
refuse() { say "refused $*"; exit "\${refused:-0}"; }
cd -P -- "$root" 2>/dev/null || refuse no-folder
enter() {
  rest=$1
  while [ -n "$rest" ]; do
    part=\${rest%%/*}
    case $rest in */*) rest=\${rest#*/} ;; *) rest= ;; esac
    case $part in '' | . | ..) refuse outside ;; esac
    [ ! -L "./$part" ] || refuse link "$part"
    if [ ! -d "./$part" ]; then
      [ ! -e "./$part" ] || refuse not-folder "$part"
      [ "$2" = make ] || return 1
      mkdir "./$part" || refuse failed
    fi
    cd -P "./$part" || refuse failed
  done
}
name() { case $1 in '' | . | .. | */*) refuse outside ;; esac; [ ! -L "./$1" ] || refuse link "$1"; }
# Makes a file anew: one that a link stood for is not written through.
fresh() { name "$1"; rm -f "./$1"; set -C; }
`;
