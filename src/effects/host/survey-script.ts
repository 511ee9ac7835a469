import { type SurveySource, surveyFrame } from './survey-frame.ts';

const systemd = '[ -d /run/systemd/system ]';
const kib = 1024;

const facts = `
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
nl='
'
c=$SSH_CONNECTION p=$$ n=0
while [ -z "$c" ] && [ "$p" -gt 1 ] && [ $n -lt 16 ]; do
  e=$nl$(tr "\\000" "\\n" </proc/$p/environ 2>/dev/null)
  case $e in *"\${nl}SSH_CONNECTION="*) c=\${e#*"\${nl}SSH_CONNECTION="} c=\${c%%"$nl"*} ;; esac
  line=; { IFS= read -r line </proc/$p/stat; } 2>/dev/null
  set -- \${line##*) }; p=\${2:-0}; n=$((n + 1))
done
printf "own %.200s\\n" "$c"
session=
while [ -z "$session" ] && IFS= read -r line; do
  case $line in *session-*.scope*) session=\${line##*session-} session=\${session%%.scope*} ;; esac
  case $session in *[!A-Za-z0-9]*) session= ;; esac
done 2>/dev/null </proc/self/cgroup
echo "session $session"`;

const scripts = `set +f
if command -v rc-status >/dev/null 2>&1 && [ -d /run/openrc ]; then echo openrc; rc-status -a --nocolor; rc-update show; return; fi
${systemd} && return 0
[ -d /etc/init.d ] || return 3
for f in /etc/init.d/*; do
  n=\${f##*/}; case $n in *[!A-Za-z0-9._@+-]* | README | rc | rcS | rcK | skeleton | functions | *.sh) continue ;; esac
  [ -x "$f" ] && [ -f "$f" ] || continue
  on=no; for l in /etc/rc[S2345].d/S[0-9][0-9]$n /etc/rc.d/rc[S2345].d/S[0-9][0-9]$n; do if [ -e "$l" ] || [ -L "$l" ]; then on=yes; fi; done
  run=unknown; for p in /run/$n.pid /var/run/$n.pid /run/$n/$n.pid; do pid=; { read -r pid <"$p"; } 2>/dev/null; case $pid in "" | *[!0-9]*) ;; *) [ -d /proc/$pid ] && run=yes || run=no ;; esac; done
  echo "$n $run $on"
done
return 0`;

const cron = `set +f
t() { case $1 in *[!A-Za-z0-9._@/+-]*) return ;; esac; if [ -d "$1" ] || [ ! -e "$1" ]; then return; fi
if [ -r "$1" ]; then echo "table $1"; sed -n "/^[[:space:]]*#/d; /^[[:space:]]*$/d; s/^/> /p" "$1"; else echo "closed $1"; fi; }
t /etc/crontab; t /etc/anacrontab; for f in /etc/cron.d/*; do t "$f"; done
for d in /var/spool/cron/crontabs /var/spool/cron/tabs /var/spool/cron /etc/crontabs; do
  [ -d "$d" ] || continue; if [ -r "$d" ] && [ -x "$d" ]; then for f in "$d"/*; do t "$f"; done; else echo "closed $d"; fi; done
for w in hourly daily weekly monthly; do for f in /etc/cron.$w/*; do case \${f##*/} in *[!A-Za-z0-9._+-]* | placeholder) continue ;; esac; [ -x "$f" ] && echo "script $w $f"; done; done; return 0`;

const sources: readonly SurveySource[] = [
  { name: 'facts', cap: 16 * kib, use: true, asks: facts },
  { name: 'os', cap: 8 * kib, files: ['/etc/os-release', '/usr/lib/os-release'] },
  { name: 'dmi', by: 'dmidecode', cap: 128 * kib, asks: 'dmidecode -t 0 -t 1 -t 2 -t 3 -t 4 -t 17 -t 39' },
  {
    ...{ name: 'units', by: 'systemctl', cap: 256 * kib, unless: systemd },
    asks: 'systemctl list-units --type=service --type=socket --all --plain --no-legend --no-pager --full',
  },
  {
    ...{ name: 'unitfiles', by: 'systemctl', cap: 256 * kib, unless: systemd },
    // The patterns spare systemd the files of other types: it looks every one up before `--type` sorts them out.
    asks: 'systemctl list-unit-files --type=service --type=socket --no-legend --no-pager --full "*.service" "*.socket"',
  },
  {
    ...{ name: 'timers', by: 'systemctl', cap: 128 * kib, unless: systemd },
    asks: 'systemctl show --no-pager -p Id -p Unit -p NextElapseUSecRealtime -p LastTriggerUSec -- "*.timer"',
  },
  { name: 'scripts', cap: 64 * kib, unless: `! ${systemd} || has rc-status`, asks: scripts },
  { name: 'sockets', by: 'ss', cap: 1024 * kib, use: true, asks: 'ss -tunap exclude time-wait' },
  {
    ...{ name: 'net', where: '! has ss', cap: 1024 * kib, use: true },
    asks: 'for f in tcp tcp6 udp udp6; do [ -e /proc/net/$f ] || continue; sed "s/^/$f /" /proc/net/$f; done; return 0',
  },
  {
    ...{ name: 'holders', where: '! has ss', cap: 1024 * kib, use: true },
    asks: `set +f; for d in /proc/[0-9]*; do l=$(ls -l "$d/fd" 2>/dev/null | sed -n "s/.* -> socket:.\\([0-9]*\\).$/\\1/p"); [ -n "$l" ] || continue
c=; { IFS= read -r c <"$d/comm"; } 2>/dev/null; echo "\${d##*/}" $l "$c"; done; return 0`,
  },
  { name: 'addresses', by: 'ip', cap: 128 * kib, use: true, asks: 'ip -o link && ip -o addr' },
  { name: 'routes', by: 'ip', cap: 128 * kib, asks: 'ip route && { ip -6 route 2>/dev/null || true; }' },
  { name: 'ifconfig', where: '! has ip', by: 'ifconfig', cap: 64 * kib, use: true, asks: 'ifconfig -a' },
  { name: 'route', where: '! has ip', cap: 64 * kib, files: ['/proc/net/route'] },
  {
    name: 'who',
    by: 'who',
    cap: 64 * kib,
    use: true,
    asks: '[ -e /run/utmp ] || [ -e /var/run/utmp ] || return 3\nwho',
  },
  {
    ...{ name: 'logind', by: 'loginctl', cap: 64 * kib, use: true },
    asks: '[ -d /run/systemd/seats ] || return 3\nloginctl list-sessions --no-legend --no-pager',
  },
  { name: 'terminals', cap: 64 * kib, use: true, asks: 'ls -ln /dev/pts' },
  { name: 'passwd', cap: 256 * kib, use: true, files: ['/etc/passwd'] },
  { name: 'last', by: 'last', cap: 64 * kib, asks: 'last -F -w -n 40 || last' },
  { name: 'cron', cap: 128 * kib, asks: cron },
  { name: 'mounts', cap: 256 * kib, files: ['/proc/self/mounts', '/proc/mounts'] },
  { name: 'df', by: 'df', cap: 128 * kib, asks: 'df -kPl 2>/dev/null || df -kP' },
  {
    ...{ name: 'lsblk', by: 'lsblk', cap: 256 * kib },
    asks: 'lsblk -P -b -o NAME,KNAME,PKNAME,TYPE,SIZE,ROTA,TRAN,SERIAL,WWN,MODEL,FSTYPE 2>/dev/null || lsblk -P -b -o NAME,KNAME,PKNAME,TYPE,SIZE,ROTA,MODEL,FSTYPE',
  },
  {
    ...{ name: 'sysblock', where: '! has lsblk', cap: 64 * kib },
    asks: `set +f; [ -d /sys/block ] || return 3
for d in /sys/block/*; do n=\${d##*/}; case $n in *[!A-Za-z0-9!_.-]* | loop* | ram* | zram* | "*") continue ;; esac; echo "disk $n"
for k in size queue/rotational device/model device/serial serial wwid device/wwid; do v=; { IFS= read -r v <"$d/$k"; } 2>/dev/null; [ -z "$v" ] || printf "%s %.200s\\n" "$k" "$v"; done; done; return 0`,
  },
  { name: 'mdstat', cap: 64 * kib, files: ['/proc/mdstat'] },
  { name: 'zpool', by: 'zpool', cap: 64 * kib, asks: 'zpool status -P' },
  {
    ...{ name: 'processes', by: 'ps', cap: 512 * kib, use: true },
    asks: 'ps -e -o pid= -o comm= 2>/dev/null || ps -o pid,comm',
  },
  {
    ...{ name: 'servers', by: 'ps', cap: 128 * kib, use: true },
    asks: '{ ps -eww -o pid= -o args= 2>/dev/null || ps -o pid,args; } | grep -E "^ *[0-9]+ [^ ]*(postgres|postmaster|mysqld|mariadbd|mongod|redis-server|valkey-server|ceph-|qemu|kvm|containerd-shim)" | cut -c1-2000; return 0',
  },
  {
    ...{ name: 'nfs', unless: '[ -e /var/lib/nfs/etab ] || [ -e /proc/fs/nfsd/exports ]', cap: 64 * kib, use: true },
    asks: 'for f in /var/lib/nfs/etab /proc/fs/nfsd/exports; do [ -e "$f" ] || continue; [ -r "$f" ] || return 13; cat "$f" && return; done; return 0',
  },
  {
    ...{ name: 'iscsi', unless: '[ -d /sys/kernel/config/target/iscsi ]', cap: 64 * kib, use: true },
    asks: `set +f; [ -r /sys/kernel/config/target/iscsi ] || return 13; for d in /sys/kernel/config/target/iscsi/iqn.*; do [ -d "$d" ] || continue; echo "target \${d##*/}"
for a in "$d"/tpgt_*/acls/*; do [ -d "$a" ] && echo "acl \${a##*/}"; done; done; return 0`,
  },
  { name: 'smb', cap: 128 * kib, use: true, files: ['/etc/samba/smb.conf'] },
  { name: 'drbd', cap: 64 * kib, use: true, files: ['/proc/drbd'] },
  { name: 'docker', by: 'docker', cap: 128 * kib, asks: 'docker ps -a --format "{{.Names}} {{.State}}"' },
  { name: 'podman', by: 'podman', cap: 128 * kib, asks: 'podman ps -a --format "{{.Names}} {{.State}}"' },
  { name: 'virsh', by: 'virsh', cap: 64 * kib, asks: 'virsh -r -q list --all' },
  {
    ...{ name: 'machines', by: 'machinectl', cap: 64 * kib, unless: systemd },
    asks: 'machinectl list --no-legend --no-pager',
  },
  { name: 'lxc', by: 'lxc-ls', cap: 64 * kib, asks: 'lxc-ls -f -F NAME,STATE' },
  {
    ...{ name: 'postgresql', by: 'psql', cap: 4 * kib, use: true },
    asks: `set -- $(ps -e -o user= -o comm= | grep -E "^[^ ]+ +(postgres|postmaster)$"); [ $# -gt 0 ] || return 0
q="select pg_is_in_recovery(), (select count(*) from pg_stat_replication), (select count(*) from pg_replication_slots)"
if [ "$(id -u)" = 0 ]; then setpriv --reuid "$1" --regid "$1" --clear-groups psql -XAtqw -d postgres -c "$q"; else psql -XAtqw -d postgres -c "$q"; fi`,
  },
  {
    ...{ name: 'mysql', by: 'mysql', cap: 16 * kib, use: true },
    asks: `ps -e -o comm= | grep -qE "^(mysqld|mariadbd)" || return 0
mysql --connect-timeout=3 -N -B -e "select 1" && { echo "replica"; mysql -B -e "SHOW REPLICA STATUS\\G" 2>/dev/null || mysql -B -e "SHOW SLAVE STATUS\\G"; } && { echo "hosts"; mysql -N -B -e "SHOW REPLICAS" 2>/dev/null || mysql -N -B -e "SHOW SLAVE HOSTS"; }`,
  },
  {
    ...{ name: 'redis', by: 'redis-cli', cap: 8 * kib, use: true },
    asks: 'ps -e -o comm= | grep -qE "^(redis-server|valkey-server)" || return 0\nredis-cli info replication',
  },
  {
    ...{ name: 'pacemaker', by: 'crm_mon', cap: 64 * kib, use: true },
    asks: 'ps -e -o comm= | grep -qE "^pacemakerd" || return 0\ncrm_mon -1',
  },
  {
    ...{ name: 'keepalived', unless: '[ -e /etc/keepalived/keepalived.conf ]', cap: 128 * kib, use: true },
    asks: 'ps -e -o comm= 2>/dev/null | grep -q "^keepalived" || return 0\ncat /etc/keepalived/keepalived.conf',
  },
  { name: 'drbdadm', by: 'drbdadm', cap: 16 * kib, use: true, asks: 'drbdadm role all' },
  {
    ...{ name: 'sysstat', by: 'sar', cap: 128 * kib },
    asks: 'set +f; n=0; for f in /var/log/sysstat/sa[0-9][0-9] /var/log/sa/sa[0-9][0-9]; do [ -r "$f" ] || continue; sar -u -f "$f" | grep -E "^(Linux|Average)"; n=1; done; [ $n = 1 ] || return 3',
  },
];

/** Everything that a survey holds: `surveyFrame` tells how it is asked. */
export const surveyScript = surveyFrame(sources);

/** As much of it as tells who uses the host: for less, as it is asked at both ends of a watch. */
export const useScript = surveyFrame(sources.filter(({ use }) => use === true));
