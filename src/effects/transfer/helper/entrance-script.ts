/**
 * Lets a helper in to the host for the time of one copy, or shuts it out again. POSIX sh: dash and BusyBox run it.
 *
 *     sh -c SCRIPT sh admit ID KEY      what the key may run is on stdin
 *     sh -c SCRIPT sh dismiss ID        all whose id begins so
 *
 * The key's line in `~/.ssh/authorized_keys` allows that one program and nothing else: no terminal, no forwarding. The file is replaced by a
 * rename, with its mode and owner, so that a full disk locks nobody out. Says `done`, or `refused WHY`.
 */
export const entranceScript = `
umask 077
LC_ALL=C
export LC_ALL
mode=$1 id=$2 key=$3
refuse() { printf 'refused %s\\n' "$*"; exit 0; }
case \${HOME:-} in /*) ;; *) refuse no-home ;; esac
cd -P -- "$HOME" 2>/dev/null || refuse no-home
file=.ssh/authorized_keys
ours() { [ -d "$1" ] && [ ! -L "$1" ] && [ -O "$1" ]; }
forget() {
  [ -f "$file" ] && grep -q " decom:$id[^ ]*\\$" "$file" || return 0
  cp -p "$file" "$file.decom" || return 1
  grep -v " decom:$id[^ ]*\\$" "$file" >"$file.decom"
  [ "$?" -le 1 ] && mv -f "$file.decom" "$file" && return 0
  rm -f "$file.decom"
  return 1
}
[ ! -L "$file" ] || refuse link
case $mode in
  admit)
    mkdir -p ".decom/way/$id" && ours .decom && ours .decom/way && ours ".decom/way/$id" || refuse no-room
    cat >".decom/way/$id/serve" || refuse no-room
    [ -s ".decom/way/$id/serve" ] || refuse no-room
    [ -d .ssh ] || mkdir .ssh || refuse no-room
    [ -f "$file" ] || : >"$file" || refuse no-room
    forget || refuse no-room
    [ -z "$(tail -c 1 "$file")" ] || echo >>"$file" || refuse no-room
    printf 'command="exec sh .decom/way/%s/serve",no-port-forwarding,no-X11-forwarding,no-agent-forwarding,no-pty %s decom:%s\\n' "$id" "$key" "$id" >>"$file" || { forget; refuse no-room; }
    ;;
  dismiss)
    forget || refuse no-room
    [ ! -d .decom/way ] || (cd .decom/way && ours . && rm -rf "./$id"*)
    rmdir .decom/way .decom 2>/dev/null
    ;;
esac
echo done
`;
