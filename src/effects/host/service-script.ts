/**
 * Asks an init system that is not systemd about one service. POSIX sh: dash and BusyBox run it.
 *
 *     sh -c SCRIPT sh NAME ROOT      (ROOT is put before /etc, /run and /proc/1; empty but for tests)
 *
 * Says `init KIND`, then what was found, one a line, and last `status CODE` with what the service's own status command said after it:
 *
 *     missing | upstart | closed | no-status       why there is no status
 *     run PROGRAM, boot PROGRAM                    absolute paths; without `run` the script itself is called
 *     levels                                       what starts at boot can be told
 *     start WHAT                                   a link or a runlevel that starts it
 *     pid NUMBER NAME, dead FILE, lock             a pidfile's process, alive or not, and the lock file of Red Hat
 *
 * A script that does not know `status` is never asked: some take a word that they do not know for `start`. `/proc/1/stat`, because
 * kernels before 2.6.33 have no `comm`. Links are looked for below the folders' true names: `/etc/rc3.d` may be one to `/etc/rc.d/rc3.d`.
 */
export const serviceScript = `
LC_ALL=C PATH=$PATH:/usr/sbin:/sbin:/usr/local/sbin; export LC_ALL PATH
unset CDPATH
name=$1 root=$2
say() { printf '%s\\n' "$*"; }
where() {
  found=$(command -v "$1" 2>/dev/null)
  case $found in /*) ;; *) return 1 ;; esac
}
pids() {
  set -f
  for file in $(sed -n -e 's/^# *pidfile: *//p' -e 's/^ *PIDFILE=//p' -e 's/^ *pidfile=//p' "$root/etc/init.d/$name" 2>/dev/null | tr -d "\\"'") \\
    "/run/$name.pid" "/var/run/$name.pid" "/run/$name/$name.pid" "/var/run/$name/$name.pid"; do
    case $file in /*) ;; *) continue ;; esac
    pid= line=
    { read -r pid line <"$root$file"; } 2>/dev/null
    case $pid in '' | *[!0-9]*) continue ;; esac
    line=
    { IFS= read -r line <"/proc/$pid/stat"; } 2>/dev/null
    case \${line##*) } in '' | [ZXx]' '*) say "dead $file" ;; *) line=\${line#*\\(} && say "pid $pid \${line%)*}" ;; esac
  done
  set +f
}
status() {
  text=$("$@" status 2>&1 </dev/null)
  code=$?
  say "status $code"
  say "$text"
}
if [ -d "$root/run/systemd/system" ]; then say init systemd; exit 0; fi
first=
{ IFS= read -r first <"$root/proc/1/stat"; } 2>/dev/null
if where rc-service && { [ -d "$root/run/openrc" ] || [ -d "$root/lib/rc/init.d" ]; }; then
  say init openrc
  run=$found
  say "run $run"
  "$run" --exists "$name" >/dev/null 2>&1 || { say missing; exit 0; }
  if where rc-update; then
    say "boot $found"
    if shown=$("$found" show 2>/dev/null); then
      say levels
      printf '%s\\n' "$shown" | while read -r one bar levels; do
        [ "$one" = "$name" ] && [ "$bar" = '|' ] || continue
        for level in $levels; do say "start $level"; done
      done
    fi
  fi
  pids
  status "$run" "$name"
  exit 0
fi
case $first in '1 (init) '*) ;; *) say init none; exit 0 ;; esac
if [ ! -d "$root/etc/init.d" ]; then say init none; exit 0; fi
say init sysv
script=$root/etc/init.d/$name
if [ -f "$root/etc/init/$name.conf" ] && where initctl; then say upstart; exit 0; fi
if [ ! -e "$script" ]; then say missing; exit 0; fi
say "script $script"
if [ ! -r "$script" ] || [ ! -x "$script" ]; then say closed; exit 0; fi
run=
if where service; then run=$found; say "run $run"; fi
if where update-rc.d || where chkconfig; then say "boot $found"; fi
known=' '
for folder in "$root"/etc/rc[S2345].d "$root"/etc/rc.d/rc[S2345].d "$root"/etc/init.d/rc[S2345].d "$root/etc/init.d/boot.d"; do
  folder=$(cd -P "$folder" 2>/dev/null && pwd -P) || continue
  case $known in *" $folder "*) continue ;; ' ') say levels ;; esac
  known="$known$folder "
  for link in "$folder"/S[0-9][0-9]"$name"; do
    if [ -e "$link" ] || [ -L "$link" ]; then say "start $link"; fi
  done
done
pids
if [ -e "$root/var/lock/subsys/$name" ]; then say lock; fi
if ! grep -q -e status -e init-d-script "$script" 2>/dev/null; then say no-status
elif [ -n "$run" ]; then status "$run" "$name"
else status "$script"; fi
`;
