/** Where a script finds the kernel's files; elsewhere only in tests. */
export interface DiskRoots {
  readonly sys: string;
  readonly proc: string;
  readonly dev: string;
}
export const real: DiskRoots = { sys: '/sys', proc: '/proc', dev: '/dev' };

/**
 * What the scripts of a disk share. POSIX sh: dash, bash and BusyBox run it. `find_disk` sets `name` to the one disk whose serial is `$serial`; `uses` says, a
 * line each, everything that stands on it, its partitions too. Names like sda change from boot to boot, so every script finds its disk anew.
 */
export const frame = ({ sys, proc, dev }: DiskRoots): string => `
LC_ALL=C TZ=UTC0 PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin; export LC_ALL TZ PATH
sys=${sys} proc=${proc} dev=${dev}
has() { command -v "$1" >/dev/null 2>&1; }
# BusyBox knows no class of what can be printed.
plain() { tr -cd '\\040-\\176' | sed 's/^ *//; s/ *$//'; }
word() { for f; do [ ! -f "$f" ] || { v=$(head -c 4096 "$f" 2>/dev/null | sed 1q | plain); [ -z "$v" ] || { echo "$v"; return; }; }; done; }
serial_of() {
  b=$sys/block/$1
  v=$(word "$b/serial" "$b/device/serial")
  [ -n "$v" ] || [ ! -f "$b/device/vpd_pg80" ] || v=$(dd if="$b/device/vpd_pg80" bs=1 skip=4 2>/dev/null | plain)
  echo "$v"
}
wwn_of() { word "$sys/block/$1/wwid" "$sys/block/$1/device/wwid"; }
disks() {
  for d in "$sys"/block/*; do
    n=\${d##*/}
    case $n in '*' | loop* | ram* | zram* | dm-* | md* | sr* | fd* | nvme*c*n*) ;; *) echo "$n" ;; esac
  done
}
find_disk() {
  name= count=0
  [ -n "$serial" ] || return 1
  for n in $(disks); do
    [ "$(serial_of "$n")" != "$serial" ] || { name=$n count=$((count + 1)); }
  done
  [ "$count" = 1 ]
}
size_of() { v=$(word "$sys/block/$1/size"); echo "$((\${v:-0} * 512))"; }
signature() {
  found=$(blkid -p -o export "$dev/$1" 2>&1)
  case $? in
    0) ;;
    2) return ;;
    *) echo "unread $1: blkid -p: $(echo "$found" | sed 1q | plain)"; return ;;
  esac
  type=$(echo "$found" | sed -n 's/^TYPE=//p' | plain)
  part=$(echo "$found" | sed -n 's/^PART_ENTRY_TYPE=//p' | tr A-F a-f | plain)
  case $type in
    VMFS* | vmfs* | gfs | gfs2 | ocfs2 | drbd* | ceph_* | lustre* | gpfs* | oracleasm) echo "shared $type on $1" ;;
    *_member | bcache* | DM_* | stratis* | bcachefs) echo "member $type on $1" ;;
  esac
  case $part in
    37affc90-ef7d-4e96-91c3-2d7ae055b174) echo "shared GPFS on $1" ;;
    aa31e02a-400f-11db-9590-000c2911d1b8 | 0xfb) echo "shared VMFS on $1" ;;
  esac
}
held_open() { # a node: who has it mounted, as swap, or open; nothing that is made of it
  number=$(word "$2/dev")
  # Other processes may have it mounted where this one does not see it.
  cat "$proc/self/mountinfo" "$proc"/[0-9]*/mountinfo 2>/dev/null | grep "^[0-9]* [0-9]* $number " | cut -d' ' -f5 | sort -u | sed "s/\\$/ on $1/; s/^/mounted /"
  { while read -r file rest; do [ ! "$file" -ef "$dev/$1" ] || echo "swap $1"; done <"$proc/swaps"; } 2>/dev/null
  for b in "$sys"/fs/btrfs/*/devices/"$1"; do [ ! -e "$b" ] || echo "mounted btrfs on $1"; done
  for f in "$proc"/[0-9]*/fd/*; do
    [ ! "$f" -ef "$dev/$1" ] || { f=\${f%/fd/*}; echo "open \${f##*/} $(word "$f/comm") on $1"; }
  done
  # The kernel itself may have it open, for a loop device or for other machines, and tells no holder of that.
  for f in "$sys"/block/loop*/loop/backing_file "$sys"/kernel/config/target/core/*/*/udev_path "$sys"/kernel/config/nvmet/subsystems/*/namespaces/*/device_path; do
    { [ -f "$f" ] && IFS= read -r v <"$f" && [ "$v" -ef "$dev/$1" ] && echo "held \${f#"$sys"/} on $1"; } 2>/dev/null
  done
}
uses() {
  for d in "$sys/block/$name" "$sys/block/$name/$name"*; do
    [ -f "$d/dev" ] || continue
    p=\${d##*/}
    for h in "$d"/holders/*; do [ ! -e "$h" ] && [ ! -L "$h" ] || echo "held \${h##*/} on $p"; done
    held_open "$p" "$d"
    if [ -b "$dev/$p" ]; then signature "$p"; else echo "unread $p: there is no $dev/$p"; fi
  done
  [ -r "$proc/self/mountinfo" ] && [ -r "$proc/swaps" ] && [ -f "$sys/block/$name/dev" ] || echo "unread $name: mounts, swap or the device number"
}
`;

/**
 * Tells every disk, and of those whose serials are the arguments what stands on them. Reads only. After \`decom disks 1\`, of each: \`disk NAME\`, \`serial\`, \`wwn\`, \`size\`, \`sector\`,
 * \`ro\`, \`model\`, \`way\`, \`hidden\`, and a \`use HOW WHAT\` for each use; at last \`decom disks end\`.
 */
export const disksScript = (roots: DiskRoots = real): string => `${frame(roots)}
way() {
  case $1 in
    vd*) echo virtio ;;
    nvme*)
      t=$(for f in "$sys/block/$1/device/transport" "$sys/block/$1"/device/nvme*/transport; do word "$f"; done | sort -u)
      case $t in '' | *' '* | *[!a-z]*) echo other ;; *) echo "nvme $t" ;; esac
      ;;
    nbd* | rbd* | drbd* | etherd*) echo "network $1" ;;
    sd*)
      at=$(cd -P "$sys/block/$1/device" 2>/dev/null && pwd -P)
      h=$(echo "/$at" | sed -n 's|^.*/\\(host[0-9]*\\)/.*$|\\1|p')
      v=$(word "$sys/class/scsi_host/$h/proc_name")
      # FCoE, SAS and USB hosts may share a driver's name; what hangs on USB answers with the serial of the bridge.
      case $at in */usb[0-9]*) echo usb ;; *) echo "scsi \${v:-unknown}" ;; esac
      ;;
    *) echo other ;;
  esac
}
hidden() {
  [ "$(word "$sys/block/$1/device/vendor")" = ATA ] || { echo none; return; }
  has hdparm || { echo 'hdparm is not there to ask'; return; }
  told=$(hdparm -I "$dev/$1" 2>/dev/null)
  case $told in *'Model Number'*) ;; *) echo 'hdparm -I did not answer'; return ;; esac
  case $told in
    *'Host Protected Area feature set'*)
      now=$(hdparm -N "$dev/$1" 2>&1 | grep 'max sectors' | plain)
      case $now in *'HPA is disabled'*) ;; *) echo "hdparm -N: \${now:-no answer}"; return ;; esac
      ;;
  esac
  case $told in
    *'Device Configuration Overlay feature set'*)
      most=$(hdparm --dco-identify "$dev/$1" 2>/dev/null | sed -n 's/^.*Real max sectors: *\\([0-9]*\\).*$/\\1/p')
      [ -n "$most" ] || { echo 'hdparm --dco-identify did not answer'; return; }
      [ "$((most * 512))" = "$(size_of "$1")" ] || { echo "hdparm --dco-identify: $most sectors"; return; }
      ;;
  esac
  echo none
}
echo 'decom disks 1'
for n in $(disks); do
  echo "disk $n"
  one=$(serial_of "$n")
  echo "serial $one"
  echo "wwn $(wwn_of "$n")"
  for wanted; do
    [ "$wanted" = "$one" ] || continue
    name=$n
    echo "size $(size_of "$n")"
    echo "sector $(word "$sys/block/$n/queue/logical_block_size")"
    echo "ro $(word "$sys/block/$n/ro")"
    echo "model $(word "$sys/block/$n/device/vendor") $(word "$sys/block/$n/device/model")"
    echo "way $(way "$n")"
    echo "hidden $(hidden "$n")"
    uses | sed 's/^/use /'
  done
done
echo 'decom disks end'
`;

/** Compares serial, WWN and size with the arguments, and that of what was opened with the kernel's. */
export const checks = `
same() {
  [ "$(serial_of "$name")" = "$serial" ] && [ "$(wwn_of "$name")" = "$wwn" ] && [ "$(size_of "$name")" = "$size" ]
}
is_it() { # the device that a descriptor leads to, as the kernel numbers it
  number=$(word "$sys/block/$name/dev")
  [ -n "$number" ] && [ "$(stat -L -c %t:%T "$1" 2>/dev/null)" = "$(printf '%x:%x' "\${number%:*}" "\${number#*:}")" ]
}
`;

/**
 * Overwrites one disk with zeroes. Before the first byte, in this very command: the disk is found by its serial, its WWN and size are compared, nothing stands on it; and what was opened is
 * that device. Everything goes through that one open file, so a disk that is taken out and another that gets its name cannot be confused.
 *
 *     sh -c SCRIPT sh SERIAL WWN SIZE SECTOR PROGRESS CANARY PLACE…
 *
 * CANARY are 512 bytes as \`printf\` writes them, PLACE sectors that are filled with it before: an erase that writes nothing is found out by them. PROGRESS is a file that gets the bytes written.
 * Exit 3: nothing was written (\`refused: WHY\` on stderr). Exit 4: it broke off (\`failed: WHY\`). 0: \`erased STARTED ENDED TOOL\`, times in seconds.
 */
export const eraseScript = (roots: DiskRoots = real): string => `${frame(roots)}${checks}
serial=$1 wwn=$2 size=$3 sector=$4 progress=$5 canary=$6
shift 6
refuse() { echo "refused: $*" >&2; exit 3; }
broke() { echo "failed: $*" >&2; exit 4; }
find_disk || refuse "$count disks have the serial $serial now"
same || refuse "the disk $serial is another one: WWN '$(wwn_of "$name")', $(size_of "$name") bytes"
[ "$(word "$sys/block/$name/ro")" = 0 ] || refuse "$name is write-protected"
has stat && has blockdev && has cksum || refuse "stat, blockdev or cksum is missing"
on=$(uses)
[ -z "$on" ] || refuse "$(echo "$on" | head -n 5 | tr '\\n' ';')"
node=$dev/$name
[ -b "$node" ] || refuse "there is no $node"
[ "$(blockdev --getsize64 "$node")" = "$size" ] && [ "$(blockdev --getss "$node")" = "$sector" ] || refuse "$node has another size, or other sectors"
(exec 3<>"$node") 2>/dev/null || refuse "$node cannot be opened"
exec 3<>"$node" 4<>"$node"
is_it /proc/self/fd/3 && is_it /proc/self/fd/4 && same || refuse "$node is not the disk $serial any more"
started=$(date +%s)
tool=$(dd --version 2>&1 | sed 1q | plain)
case $tool in dd*) ;; *) tool=$(busybox 2>&1 | sed 1q | plain) ;; esac
block() { left=$((sector / 512)); while [ "$left" -gt 0 ]; do printf "$canary"; left=$((left - 1)); done; }
want=$(block | cksum)
at=0
for place; do
  said=$({ block | dd bs="$sector" seek=$((place - at)) conv=notrunc >&3; } 2>&1) || broke "the canary was not written at sector $place: $said"
  at=$((place + 1))
done
said=$(dd if=/dev/null conv=notrunc,fsync 2>&1 >&3) || broke "the canary was not synced: $said"
blockdev --flushbufs "$node" || broke "the cache of $node was not dropped"
count=0
for place; do
  [ $((count % 20)) = 0 ] || [ "$count" = $(($# - 1)) ] &&
    { [ "$(dd if="$node" bs="$sector" skip="$place" count=1 2>/dev/null | cksum)" = "$want" ] || broke "what was written to sector $place does not come back"; }
  count=$((count + 1))
done
chunk=1048576 done=0
whole=$((size / chunk)) rest=$((size % chunk / sector))
while [ "$done" -lt "$whole" ]; do
  n=$((whole - done))
  [ "$n" -le 64 ] || n=64
  same || broke "the disk $serial is gone after $((done * chunk)) of $size bytes"
  said=$(dd if=/dev/zero bs="$chunk" count="$n" conv=notrunc,fsync 2>&1 >&4) || broke "after $((done * chunk)) of $size bytes: $said"
  done=$((done + n))
  [ -z "$progress" ] || { echo "$((done * chunk))" >"$progress"; } 2>/dev/null
done
if [ "$rest" -gt 0 ]; then
  said=$(dd if=/dev/zero bs="$sector" count="$rest" conv=notrunc,fsync 2>&1 >&4) || broke "at its end: $said"
fi
same && is_it /proc/self/fd/4 || broke "the disk $serial went away at the end"
blockdev --flushbufs "$node" || broke "the cache of $node was not dropped"
echo "erased $started $(date +%s) $tool"
`;

/**
 * Reads a disk at places, past every cache, and counts the bytes that are not zero.
 *
 *     sh -c SCRIPT sh SERIAL WWN SIZE SECTOR UNIT START:LENGTH…
 *
 * UNIT is in bytes, the rest of a place in units; then what is left behind the last unit, and its first and last sector. Says \`decom samples 1\`, \`how direct|flushed\`, \`read BYTES PLACES OTHER FIRST\` (FIRST: where it was first not zero, in bytes; -),
 * \`decom samples end\`; or \`refused WHY\` in place of \`read\`.
 */
export const samplesScript = (roots: DiskRoots = real): string => `${frame(roots)}${checks}
serial=$1 wwn=$2 size=$3 sector=$4 unit=$5
shift 5
echo 'decom samples 1'
refuse() { echo "refused $*"; echo 'decom samples end'; exit 0; }
find_disk && same || refuse "the disk $serial is not there as it was"
node=$dev/$name
[ -b "$node" ] && is_it "$node" || refuse "$node is not the disk $serial"
blockdev --flushbufs "$node" || refuse "the cache of $node was not dropped"
direct=
if dd if="$node" of=/dev/null bs="$sector" count=1 iflag=direct 2>/dev/null; then direct=iflag=direct; echo 'how direct'; else echo 'how flushed'; fi
bytes=0 places=0 other=0 first=-
read_at() { # block size, where, how many
  out=$({ { dd if="$node" bs="$1" skip="$2" count="$3" $direct 2>&4; echo "rc $?" >&4; } | tr -d '\\000' | wc -c; } 4>&1)
  case $out in *'rc 0'*) ;; *) refuse "it cannot be read at byte $(($1 * $2)): $(echo "$out" | sed 1q | plain)" ;; esac
  case "
$out" in *"
$3+0 records in"*) ;; *) refuse "it was read short at byte $(($1 * $2))" ;; esac
  n=$(echo "$out" | sed -n 's/^ *\\([0-9][0-9]*\\) *$/\\1/p')
  [ -n "$n" ] || refuse "what was read at byte $(($1 * $2)) was not counted"
  [ "$n" = 0 ] || [ "$first" != - ] || first=$(($1 * $2))
  other=$((other + n)) bytes=$((bytes + $1 * $3)) places=$((places + 1))
}
for place; do read_at "$unit" "\${place%:*}" "\${place#*:}"; done
rest=$((size % unit / sector))
[ "$rest" = 0 ] || read_at "$sector" $((size / unit * (unit / sector))) "$rest"
read_at "$sector" 0 1
read_at "$sector" $((size / sector - 1)) 1
same && is_it "$node" || refuse "the disk $serial went away meanwhile"
echo "read $bytes $places $other $first"
echo 'decom samples end'
`;
