/**
 * Lets a helper in to the host for the time of one copy, or shuts it out again. POSIX sh: dash and BusyBox run it.
 *
 *     sh -c SCRIPT sh admit ID KEY      what the key may run is on stdin
 *     sh -c SCRIPT sh dismiss ID        this one
 *     sh -c SCRIPT sh dismiss RUN all   every one whose id begins with `RUN-` or `RUN.`
 *
 * The key's line in `~/.ssh/authorized_keys` allows that one program and nothing else: no terminal, no forwarding. The file is only ever replaced by a
 * rename of a whole new one with its mode and owner, so a full disk neither locks anybody out nor leaves half a line. What the key may run is
 * removed first: without it a line that could not be taken out lets nobody do anything.
 *
 * Says `done`; `dead`, where the line had to stay without what it runs; or `refused WHY`.
 */
export const entranceScript = `
umask 077
LC_ALL=C
export LC_ALL
mode=$1 id=$2 key=$3
refuse() { printf 'refused %s\\n' "$*"; exit 0; }
case $id in '' | *[!a-z0-9.-]*) refuse no-id ;; esac
case \${HOME:-} in /*) ;; *) refuse no-home ;; esac
cd -P -- "$HOME" 2>/dev/null || refuse no-home
file=.ssh/authorized_keys
fresh=.ssh/authorized_keys.decom
ours() { [ -d "$1" ] && [ ! -L "$1" ] && [ -O "$1" ]; }
plain() { [ ! -L .ssh ] && [ ! -L "$file" ]; }
which=" decom:$id$"
[ "$key" != all ] || which=" decom:$id[-.][a-z0-9.-]*$"
# The file without those lines, and with the one given, in place of the file.
renew() {
  rm -f "$fresh"
  if [ -f "$file" ]; then cp -p "$file" "$fresh" || { rm -f "$fresh"; return 1; }; fi
  (
    if [ -f "$file" ]; then
      grep -v -e "$which" "$file"
      [ "$?" -le 1 ] || exit 1
    fi
    [ -z "$1" ] || printf '%s\\n' "$1"
  ) >"$fresh" && [ "$(grep -c -e "$which" "$fresh")" = "$2" ] && mv -f "$fresh" "$file" && return 0
  rm -f "$fresh"
  return 1
}
case $mode in
  admit)
    plain || refuse link
    # sshd begins in the home folder of its own records, which HOME need not be.
    home=$(pwd -P)
    case $home in *[!A-Za-z0-9_./@+,=-]*) refuse odd-home ;; esac
    for one in .decom .decom/way ".decom/way/$id"; do
      [ ! -L "$one" ] || refuse link
      [ -d "$one" ] || mkdir "$one" || refuse no-room
      ours "$one" || refuse no-room
    done
    rm -f ".decom/way/$id/serve"
    cat >".decom/way/$id/serve" && [ "$(tail -n 1 ".decom/way/$id/serve")" = '# whole' ] || refuse no-room
    [ -d .ssh ] || mkdir .ssh || refuse no-room
    renew "command=\\"exec sh $home/.decom/way/$id/serve\\",no-port-forwarding,no-X11-forwarding,no-agent-forwarding,no-pty $key decom:$id" 1 || {
      rm -f ".decom/way/$id/serve"
      refuse no-room
    }
    ;;
  dismiss)
    if ours .decom && ours .decom/way; then
      for one in .decom/way/*; do
        case \${one#.decom/way/} in
          "$id") ;;
          "$id"[-.]*) [ "$key" = all ] || continue ;;
          *) continue ;;
        esac
        rm -rf "./$one" || refuse no-room
        [ ! -e "./$one/serve" ] || refuse no-room
      done
      rmdir .decom/way .decom 2>/dev/null
    fi
    if [ -f "$file" ] && grep -q -e "$which" "$file"; then
      plain && renew '' 0 || { echo dead; exit 0; }
    fi
    ;;
esac
echo done
`;
