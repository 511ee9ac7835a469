import { marker } from './processes.ts';
import type { PracticeIdentity } from './stand-ins.ts';

/**
 * Answers the sources of the survey that the practice machine has, each asked by its name: its own identity, services, processes and
 * sockets, of which the computer underneath has many more. Exit 127: it has no such thing.
 */
export const surveyAnswers = ({ name, serial, uuid, machineId }: PracticeIdentity, bootId: string): string => `
set -- "$1" \${SSH_CONNECTION:-none 0 none 0}
port=$(printf %04X "$5")
case $1 in
facts)
  cat <<'END'
serial ${serial}
uuid ${uuid}
vendor decom
product Practice Machine
machine_id ${machineId}
boot_id ${bootId}
hostname ${name}
init systemd
kernel Practice 1 practice
manager systemd
processors 1
END
  echo "loadavg $(cat /proc/loadavg 2>/dev/null || echo '0.00 0.00 0.00')"
  echo "own $SSH_CONNECTION" ;;
os) printf '%s\\n' 'ID=practice' 'PRETTY_NAME="Practice Linux 1"' 'VERSION_ID=1' ;;
dmi) exec dmidecode ;;
units) systemctl list-units --all --plain --no-legend --no-pager | grep -E '^[^ ]+\\.(service|socket) ' ;;
unitfiles) systemctl list-unit-files --no-legend --no-pager | grep -E '^[^ ]+\\.(service|socket) ' ;;
timers)
  for unit in $(systemctl list-unit-files --no-legend --no-pager | sed -n 's/^\\([^ ]*\\.timer\\) .*/\\1/p'); do
    printf '%s\\n' "Id=$unit" "Unit=\${unit%-watch.timer}.service" 'NextElapseUSecRealtime=' 'LastTriggerUSec='
  done ;;
net) sed -n "s/^/tcp /; / *[0-9]*: [0-9A-F]*:$port /p" /proc/net/tcp ;;
holders)
  echo "${process.pid} $(ls -l /proc/${process.pid}/fd 2>/dev/null | sed -n 's/.* -> socket:.\\([0-9]*\\).$/\\1/p' | tr '\\n' ' ')sshd" ;;
addresses) printf '%s\\n' '1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536' '1: lo    inet 127.0.0.1/8 scope host lo' ;;
mounts) echo '/dev/practice0 / ext4 rw,relatime 0 0' ;;
lsblk) echo 'NAME="practice0" KNAME="practice0" PKNAME="" TYPE="disk" SIZE="10737418240" ROTA="0" TRAN="" SERIAL="${serial}-D0" WWN="" MODEL="Practice Disk" FSTYPE="ext4"' ;;
processes)
  for file in $(grep -alF "${marker}=$${marker}" /proc/[0-9]*/environ 2>/dev/null); do
    pid=\${file#/proc/}; pid=\${pid%/environ}
    { IFS= read -r comm <"/proc/$pid/comm"; } 2>/dev/null && echo "$pid $comm"
  done
  exit 0 ;;
scripts|routes|who|logind|terminals|passwd|last|cron|servers|nfs|iscsi) exit 0 ;;
*) exit 127 ;;
esac
`;
