/** How a source is asked, and how what it says is told apart from everything else: see `surveyScript`. */
export const surveyFrame = `
LC_ALL=C TZ=UTC0 PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin; export LC_ALL TZ PATH
unset CDPATH ENV BASH_ENV
echo "decom survey 1 $(id -u)"
has() { command -v "$1" >/dev/null 2>&1; }
limit=
if has setsid; then
  if timeout -s TERM 1 true; then limit='setsid timeout -s TERM'
  elif timeout -t 1 true; then limit='setsid timeout -t'; fi
elif timeout --version | grep -q coreutils; then limit='timeout -s TERM'; fi 2>/dev/null >&2
frame='{ ( eval "$3" ); code=$?; echo; echo "%exit $code"; } 2>&1 </dev/null | head -c "$1" | sed "s/^/$2|/"'
ask() {
  if [ "$2" != - ] && ! has "$2"; then echo "!$1 absent"; return; fi
  echo "<$1"
  if [ "$3" = 0 ]; then sh -c "$frame" sh "$4" "$1" "$5"
  elif [ -n "$limit" ]; then $limit "$3" sh -c "trap 'kill -9 0' TERM; { $frame; } & wait" sh "$4" "$1" "$5"
  else echo "!$1 unlimited"; return; fi 2>/dev/null
  echo
  echo ">$1"
}
files() {
  section=$1 cap=$2 why=absent
  shift 2
  for path; do
    [ -f "$path" ] || continue
    if [ ! -r "$path" ]; then why=closed; continue; fi
    echo "<$section"
    { cat "$path" && echo && echo '%exit 0'; } 2>/dev/null </dev/null | head -c "$cap" | sed "s/^/$section|/"
    echo
    echo ">$section"
    return
  done
  echo "!$section $why"
}
`;

/**
 * Asks a host for everything that a survey holds, in one command. POSIX sh: dash, bash and BusyBox run it. It reads only, and makes no file.
 *
 * Says `decom survey 1 UID`, then of every source
 *
 *     <NAME                  it begins
 *     NAME|LINE              a line of it
 *     NAME|%exit CODE        its last line; missing where it hung or was cut off
 *     >NAME                  it has ended
 *
 * or `!NAME WHY` in place of all that: `absent` (no such program or file), `closed` (not for this login), `unlimited` (it might hang, and there is no `timeout`).
 * Whatever a source prints has its name before every line, so it can neither end itself nor pass for another. Every source has a limit
 * of bytes (`head -c`), and whatever might hang has one of seconds: its whole process group is killed then. A process that cannot be killed
 * holds nothing but a pipe of the dead, so the script goes on without it.
 *
 * `DECOM_SURVEY` names a program that writes all of it instead: the practice machine is not the computer that it runs on.
 */
export const surveyScript = `
[ -z "$DECOM_SURVEY" ] || exec "$DECOM_SURVEY"
${surveyFrame}facts='
one() { v=; [ ! -f "$2" ] || { IFS= read -r v <"$2"; } 2>/dev/null; case $v in ?*) printf "%s %.400s\\n" "$1" "$v" ;; *) [ ! -e "$2" ] || [ -r "$2" ] || echo "$1-closed"; esac; }
one serial /sys/class/dmi/id/product_serial
one uuid /sys/class/dmi/id/product_uuid
one vendor /sys/class/dmi/id/sys_vendor
one product /sys/class/dmi/id/product_name
one board /sys/class/dmi/id/board_serial
one chassis /sys/class/dmi/id/chassis_serial
one machine_id /etc/machine-id
one boot_id /proc/sys/kernel/random/boot_id
one hostname /proc/sys/kernel/hostname
one uptime /proc/uptime
one loadavg /proc/loadavg
one init /proc/1/comm
echo "kernel $(uname -srm)"
[ -d /run/systemd/system ] && echo "manager systemd" || { [ -d /run/openrc ] && echo "manager openrc"; } || { [ -d /etc/init.d ] && echo "manager sysv"; }
echo "processors $(grep -c "^processor" /proc/cpuinfo)"
grep -E "^(MemTotal|MemAvailable|MemFree):" /proc/meminfo
c=$SSH_CONNECTION p=$$ n=0
while [ -z "$c" ] && [ "$p" -gt 1 ] && [ $n -lt 16 ]; do
  c=$(tr "\\\\000" "\\\\n" </proc/$p/environ 2>/dev/null | sed -n "s/^SSH_CONNECTION=//p" | sed 1q)
  line=; { IFS= read -r line </proc/$p/stat; } 2>/dev/null
  set -- \${line##*) }; p=\${2:-0}; n=$((n + 1))
done
printf "own %.200s\\n" "$c"
echo "session $(sed -n "s/.*session-\\([A-Za-z0-9]*\\)\\.scope.*/\\1/p" /proc/self/cgroup 2>/dev/null | sed 1q)"
true'
ask facts - 0 16384 "$facts"
files os 8192 /etc/os-release /usr/lib/os-release
ask dmi dmidecode 10 131072 'dmidecode -t 0 -t 1 -t 2 -t 3 -t 4 -t 17 -t 39'
ask units systemctl 10 262144 '[ -d /run/systemd/system ] || exit 0
systemctl list-units --type=service --type=socket --all --plain --no-legend --no-pager --full'
ask unitfiles systemctl 10 262144 '[ -d /run/systemd/system ] || exit 0
systemctl list-unit-files --type=service --type=socket --no-legend --no-pager --full'
ask timers systemctl 10 131072 '[ -d /run/systemd/system ] || exit 0
systemctl show --no-pager -p Id -p Unit -p NextElapseUSecRealtime -p LastTriggerUSec -- "*.timer"'
ask scripts - 10 65536 'set +f
if command -v rc-status >/dev/null 2>&1 && [ -d /run/openrc ]; then echo openrc; rc-status -a --nocolor; rc-update show; exit; fi
[ -d /run/systemd/system ] && exit 0
[ -d /etc/init.d ] || exit 3
for f in /etc/init.d/*; do
  n=\${f##*/}; case $n in *[!A-Za-z0-9._@+-]* | README | rc | rcS | rcK | skeleton | functions | *.sh) continue ;; esac
  [ -x "$f" ] && [ -f "$f" ] || continue
  on=no; for l in /etc/rc[S2345].d/S[0-9][0-9]$n /etc/rc.d/rc[S2345].d/S[0-9][0-9]$n; do if [ -e "$l" ] || [ -L "$l" ]; then on=yes; fi; done
  run=unknown; for p in /run/$n.pid /var/run/$n.pid /run/$n/$n.pid; do pid=; { read -r pid <"$p"; } 2>/dev/null; case $pid in "" | *[!0-9]*) ;; *) [ -d /proc/$pid ] && run=yes || run=no ;; esac; done
  echo "$n $run $on"
done'
ask sockets ss 10 1048576 'ss -tunap exclude time-wait'
if ! has ss; then
  ask net - 5 1048576 'for f in tcp tcp6 udp udp6; do [ -e /proc/net/$f ] || continue; sed "s/^/$f /" /proc/net/$f; done; exit 0'
  ask holders - 5 1048576 'set +f; for d in /proc/[0-9]*; do l=$(ls -l "$d/fd" 2>/dev/null | sed -n "s/.* -> socket:.\\([0-9]*\\).$/\\1/p"); [ -n "$l" ] || continue
c=; { IFS= read -r c <"$d/comm"; } 2>/dev/null; echo "\${d##*/}" $l "$c"; done; exit 0'
fi
ask addresses ip 5 131072 'ip -o link && ip -o addr'
ask routes ip 5 131072 'ip route && { ip -6 route 2>/dev/null || true; }'
if ! has ip; then
  ask ifconfig ifconfig 5 65536 'ifconfig -a'
  files route 65536 /proc/net/route
fi
ask who who 5 65536 '[ -e /run/utmp ] || [ -e /var/run/utmp ] || exit 3
who'
ask logind loginctl 5 65536 '[ -d /run/systemd/seats ] || exit 3
loginctl list-sessions --no-legend --no-pager'
ask terminals - 5 65536 'ls -ln /dev/pts'
files passwd 262144 /etc/passwd
ask last last 5 65536 'last -F -w -n 40 || last'
ask cron - 5 131072 'set +f
t() { case $1 in *[!A-Za-z0-9._@/+-]*) return ;; esac; if [ -d "$1" ] || [ ! -e "$1" ]; then return; fi
if [ -r "$1" ]; then echo "table $1"; grep -v "^[[:space:]]*\\(#\\|$\\)" "$1" | sed "s/^/> /"; else echo "closed $1"; fi; }
t /etc/crontab; t /etc/anacrontab; for f in /etc/cron.d/*; do t "$f"; done
for d in /var/spool/cron/crontabs /var/spool/cron/tabs /var/spool/cron /etc/crontabs; do
  [ -d "$d" ] || continue; if [ -r "$d" ] && [ -x "$d" ]; then for f in "$d"/*; do t "$f"; done; else echo "closed $d"; fi; done
for w in hourly daily weekly monthly; do for f in /etc/cron.$w/*; do case \${f##*/} in *[!A-Za-z0-9._+-]* | placeholder) continue ;; esac; [ -x "$f" ] && echo "script $w $f"; done; done; exit 0'
files mounts 262144 /proc/self/mounts /proc/mounts
ask df df 5 131072 'df -kPl 2>/dev/null || df -kP'
ask lsblk lsblk 10 262144 'lsblk -P -b -o NAME,KNAME,PKNAME,TYPE,SIZE,ROTA,TRAN,SERIAL,WWN,MODEL,FSTYPE 2>/dev/null || lsblk -P -b -o NAME,KNAME,PKNAME,TYPE,SIZE,ROTA,MODEL,FSTYPE'
has lsblk || ask sysblock - 5 65536 'set +f; [ -d /sys/block ] || exit 3
for d in /sys/block/*; do n=\${d##*/}; case $n in *[!A-Za-z0-9!_.-]* | loop* | ram* | zram* | "*") continue ;; esac; echo "disk $n"
for k in size queue/rotational device/model device/serial serial wwid device/wwid; do v=; { IFS= read -r v <"$d/$k"; } 2>/dev/null; [ -z "$v" ] || printf "%s %.200s\\n" "$k" "$v"; done; done; exit 0'
files mdstat 65536 /proc/mdstat
ask zpool zpool 10 65536 'zpool status -P'
ask processes ps 5 524288 'ps -e -o pid= -o comm= 2>/dev/null || ps -o pid,comm'
ask servers ps 5 131072 '{ ps -eww -o pid= -o args= 2>/dev/null || ps -o pid,args; } | grep -E "^ *[0-9]+ [^ ]*(postgres|postmaster|mysqld|mariadbd|mongod|redis-server|valkey-server|ceph-|qemu|kvm|containerd-shim)" | cut -c1-2000; exit 0'
ask nfs - 5 65536 'set +f; for f in /var/lib/nfs/etab /proc/fs/nfsd/exports; do [ -e "$f" ] || continue; [ -r "$f" ] || exit 13; cat "$f" && exit; done; exit 0'
ask iscsi - 5 65536 'set +f; [ -d /sys/kernel/config/target/iscsi ] || exit 0; [ -r /sys/kernel/config/target/iscsi ] || exit 13; for d in /sys/kernel/config/target/iscsi/iqn.*; do [ -d "$d" ] || continue; echo "target \${d##*/}"
for a in "$d"/tpgt_*/acls/*; do [ -d "$a" ] && echo "acl \${a##*/}"; done; done; exit 0'
files smb 131072 /etc/samba/smb.conf
files drbd 65536 /proc/drbd
ask docker docker 10 131072 'docker ps -a --format "{{.Names}} {{.State}}"'
ask podman podman 10 131072 'podman ps -a --format "{{.Names}} {{.State}}"'
ask virsh virsh 10 65536 'virsh -r -q list --all'
ask machines machinectl 5 65536 '[ -d /run/systemd/system ] || exit 0
machinectl list --no-legend --no-pager'
ask lxc lxc-ls 10 65536 'lxc-ls -f -F NAME,STATE'
ask postgresql psql 5 4096 'set -- $(ps -e -o user= -o comm= | grep -E "^[^ ]+ +(postgres|postmaster)$"); [ $# -gt 0 ] || exit 0
q="select pg_is_in_recovery(), (select count(*) from pg_stat_replication), (select count(*) from pg_replication_slots)"
if [ "$(id -u)" = 0 ]; then setpriv --reuid "$1" --regid "$1" --clear-groups psql -XAtqw -d postgres -c "$q"; else psql -XAtqw -d postgres -c "$q"; fi'
ask mysql mysql 5 16384 'ps -e -o comm= | grep -qE "^(mysqld|mariadbd)" || exit 0
mysql --connect-timeout=3 -N -B -e "select 1" && { echo "replica"; mysql -B -e "SHOW REPLICA STATUS\\G" 2>/dev/null || mysql -B -e "SHOW SLAVE STATUS\\G"; } && { echo "hosts"; mysql -N -B -e "SHOW REPLICAS" 2>/dev/null || mysql -N -B -e "SHOW SLAVE HOSTS"; }'
ask redis redis-cli 5 8192 'ps -e -o comm= | grep -qE "^(redis-server|valkey-server)" || exit 0
redis-cli info replication'
ask pacemaker crm_mon 10 65536 'ps -e -o comm= | grep -qE "^pacemakerd" || exit 0
crm_mon -1'
ask keepalived - 5 131072 'ps -e -o comm= 2>/dev/null | grep -q "^keepalived" || exit 0
cat /etc/keepalived/keepalived.conf'
ask drbdadm drbdadm 5 16384 'drbdadm role all'
ask sysstat sar 20 131072 'set +f; n=0; for f in /var/log/sysstat/sa[0-9][0-9] /var/log/sa/sa[0-9][0-9]; do [ -r "$f" ] || continue; sar -u -f "$f" | grep -E "^(Linux|Average)"; n=1; done; [ $n = 1 ] || exit 3'
echo 'decom survey end'
`;
