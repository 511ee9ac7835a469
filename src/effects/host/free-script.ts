import { checks, type DiskRoots, frame, real } from './disk-script.ts';

/**
 * Takes away what stands on disks: swap, mounts, encryption, volume groups, arrays, and at last every label, so that nothing finds them again. Of what lies on other disks as well nothing is
 * touched, nor of what a program uses, or the system runs from.
 *
 *     sh -c SCRIPT sh SERIAL WWN SIZE [SERIAL WWN SIZE]…
 *
 * Exit 3: nothing was taken away, and what was unmounted for a moment is mounted again (`refused: WHY` on stderr, and a `failed: WHAT` before it for what is not). Exit 4: it broke off after the
 * first label (`failed: WHY`). 0: what was done, a line each, and `freed NAME…`.
 */
export const freeScript = (roots: DiskRoots = real): string => `${frame(roots)}${checks}
refuse() { printf 'refused: %s\\n' "$*" >&2; exit 3; }
broke() { printf 'failed: %s\\n' "$*" >&2; exit 4; }
class=$sys/class/block disks= nodes= groups=
has wipefs && has umount && has blkid && has mount || refuse 'mount, umount, wipefs or blkid is missing'
add() { case " $nodes " in *" $1 "*) ;; *) nodes="$nodes $1" ;; esac; }
there() { case " $nodes " in *" $1 "*) ;; *) return 1 ;; esac; }
inside() { ls "$class/$1/$2" 2>/dev/null | plain; }
settle() { ! has udevadm || udevadm settle --timeout=30 >/dev/null 2>&1; }
while [ "$#" -gt 0 ]; do
  serial=$1 wwn=$2 size=$3
  shift 3
  find_disk || refuse "$count disks have the serial $serial now"
  same || refuse "the disk $serial is another one: WWN '$(wwn_of "$name")', $(size_of "$name") bytes"
  disks="$disks $name"
done
own() { for name in $disks; do for d in "$sys/block/$name" "$sys/block/$name/$name"*; do [ ! -f "$d/dev" ] || echo "\${d##*/}"; done; done; }
# Everything that is made of them: volumes, arrays, their partitions.
closure() {
  nodes= before=none
  for n in $(own); do add "$n"; done
  while [ "$before" != "$nodes" ]; do
    before=$nodes
    for n in $nodes; do
      for h in "$class/$n"/holders/* "$class/$n/$n"p[0-9]*; do [ ! -e "$h" ] || add "\${h##*/}"; done
    done
  done
}
settle
closure

# 1. Looks only. What is on these disks alone may go; what lies elsewhere too, or cannot be told, stays.
lvm=
for n in $nodes; do
  case $n in
    md*) ;;
    dm-*) case $(word "$class/$n/dm/uuid") in LVM-* | CRYPT-*) ;; *) refuse "$n ($(word "$class/$n/dm/name")) stands on it, and is neither LVM nor encryption" ;; esac ;;
    *) case " $(own | tr '\\n' ' ')" in *" $n "*) ;; *) refuse "$n stands on it, and is neither LVM nor RAID nor encryption" ;; esac ;;
  esac
  for s in "$class/$n"/slaves/*; do
    [ ! -e "$s" ] || there "\${s##*/}" || refuse "part of $n lies on \${s##*/}, which is on no disk of this step"
  done
  on=$(signature "$n")
  case $on in
    '') ;;
    "member LVM2_member on $n") lvm="$lvm $n" ;;
    "member linux_raid_member on $n") [ -n "$(inside "$n" holders)" ] || refuse "$n is a member of an array that does not run" ;;
    *) refuse "$on" ;;
  esac
  for b in "$sys"/fs/btrfs/*/devices/"$n"; do
    [ -e "$b" ] || continue
    for s in "\${b%/*}"/*; do there "\${s##*/}" || refuse "the btrfs of $n lies on \${s##*/} too, which is on no disk of this step"; done
  done
done
if [ -n "$lvm" ]; then
  has pvs && has vgchange || refuse 'LVM is on it, and pvs or vgchange is missing'
  table=$(pvs --noheadings --separator '|' -o vg_name,pv_name 2>/dev/null) || refuse 'pvs does not answer'
  table=$(echo "$table" | sed 's/^ *//; s/ *$//')
  for n in $lvm; do
    found=
    while IFS='|' read -r group part; do
      [ ! "$part" -ef "$dev/$n" ] || { found=yes; [ -z "$group" ] || case " $groups " in *" $group "*) ;; *) groups="$groups $group" ;; esac; }
    done <<TABLE
$table
TABLE
    [ -n "$found" ] || refuse "LVM does not tell which volume group $n is of"
  done
  while IFS='|' read -r group part; do
    case " $groups " in *" $group "*) ;; *) continue ;; esac
    found=
    for n in $nodes; do [ ! "$part" -ef "$dev/$n" ] || found=yes; done
    [ -n "$group" ] && [ -z "$found" ] && refuse "part of the volume group $group lies on $part, which is on no disk of this step"
  done <<TABLE
$table
TABLE
fi
numbers=
for n in $nodes; do numbers="$numbers $(word "$class/$n/dev")"; done
path_of() { path=$(printf '%b.' "$(printf '%s\\n' "$1" | sed 's/\\\\\\([0-7][0-7][0-7]\\)/\\\\0\\1/g')"); path=\${path%.}; }
# TARGET TYPE SOURCE OPTIONS of each mount of these devices, what was mounted last first.
mounted() {
  while read -r _ _ number _ target options rest; do
    rest=\${rest#*- } type= source=
    read -r type source _ <<REST
$rest
REST
    mine=
    case " $numbers " in *" $number "*) mine=yes ;; esac
    [ "$type" != btrfs ] || for n in $nodes; do [ ! "$source" -ef "$dev/$n" ] || mine=yes; done
    [ "$mine" != "$1" ] || printf '%s\\n' "$target $type $source $options"
  done <"$proc/self/mountinfo" | sed '1!G;h;$!d'
}
here=$(mounted yes) elsewhere=$(mounted '')
while read -r target _; do
  case $target in
    '') continue ;;
    / | /usr | /var | /etc | /boot | /boot/* | /lib | /lib64) refuse "the system runs from it ($target): it is erased from a rescue system" ;;
  esac
  while read -r other _; do
    case $other in "$target"/*) refuse "$other is mounted below $target, and is on no disk of this step" ;; esac
  done <<OTHERS
$elsewhere
OTHERS
  path_of "$target"
  busy=$(ls -ld "$proc"/[0-9]*/cwd "$proc"/[0-9]*/root "$proc"/[0-9]*/exe "$proc"/[0-9]*/fd/* 2>/dev/null | sed -n 's/^.* \\([^ ]*\\) -> \\(.*\\)$/\\1 \\2/p' |
    while read -r link to; do case $to in "$path" | "$path"/*) p=\${link#"$proc"/}; echo "\${p%%/*} $(word "$proc/\${p%%/*}/comm")" ;; esac; done | sort -u | head -n 5 | tr '\\n' ';')
  [ -z "$busy" ] || refuse "$path is in use by programs: $busy"
done <<HERE
$here
HERE

# 2. Unmounted, and mounted again where not all of it can be.
undone= swapped=
put_back() {
  for file in $swapped; do swapon "$file" 2>/dev/null || echo "failed: swap on $file could not be switched on again" >&2; done
  while read -r target type source options; do
    [ -n "$target" ] || continue
    path_of "$target"
    mount "$path" 2>/dev/null || mount -t "$type" -o "$options" "$source" "$path" || echo "failed: $path could not be mounted again" >&2
  done <<UNDONE
$undone
UNDONE
}
stay() { put_back; refuse "$@"; }
swaps=$({
  read -r _
  while read -r file _; do
    for n in $nodes; do [ ! "$file" -ef "$dev/$n" ] || printf '%s\\n' "$file"; done
    printf '%s\\n' "$here" | while read -r target _; do case $file in "\${target:-/dev/null}"/*) printf '%s\\n' "$file" ;; esac; done
  done
} <"$proc/swaps")
for file in $swaps; do
  said=$(swapoff "$file" 2>&1) || stay "swap on $file cannot be switched off: $(echo "$said" | sed 1q | plain)"
  swapped="$swapped $file"
done
while read -r target rest; do
  [ -n "$target" ] || continue
  path_of "$target"
  said=$(umount "$path" 2>&1) || stay "$path cannot be unmounted: $(echo "$said" | sed 1q | plain)"
  undone="$target $rest
$undone"
done <<HERE
$here
HERE
settle
for n in $nodes; do
  on=$(held_open "$n" "$class/$n")
  [ -z "$on" ] || stay "$(echo "$on" | head -n 5 | tr '\\n' ';')"
done
for file in $swaps; do printf '%s\\n' "swap off $file"; done
printf '%s\\n' "$here" | while read -r target _; do [ -z "$target" ] || { path_of "$target"; echo "unmounted $(printf '%s' "$path" | plain)"; }; done

# 3. From here on nothing is kept: labels go first, so that nothing puts together again what was taken apart.
wipe() {
  had=$(blkid -p -o value -s TYPE "$dev/$1" 2>/dev/null | plain)
  why=$(wipefs -q -a "$dev/$1" 2>&1) || return 1
  [ -z "$had" ] || echo "wiped $had on $1"
}
bare() { # whether nothing is made of it any more
  [ -z "$(inside "$1" holders)" ] || return 1
  for p in "$class/$1/$1"p[0-9]*; do [ ! -e "$p" ] || [ -z "$(inside "\${p##*/}" holders)" ] || return 1; done
}
round=0 why=
while :; do
  closure
  made=
  for n in $nodes; do
    case $n in
      md*p[0-9]*) ;;
      md*) [ -z "$(inside "$n" slaves)" ] || made="$made $n" ;;
      dm-*) made="$made $n" ;;
    esac
  done
  if [ -z "$made" ]; then
    for n in $(own); do
      parts=
      for p in "$sys/block/$n/$n"*; do [ ! -f "$p/dev" ] || parts=yes; done
      [ -n "$parts" ] || wipe "$n"
    done
    settle
    on=$(for name in $disks; do uses; done)
    [ -n "$on" ] || break
    why=$on
  fi
  round=$((round + 1))
  [ "$round" -le 20 ] || broke "after twenty rounds there is left: $(echo "$made $why" | head -n 5 | tr '\\n' ';')"
  for n in $made; do
    [ -e "$class/$n" ] && bare "$n" || continue
    for p in "$class/$n/$n"p[0-9]*; do [ ! -e "$p" ] || wipe "\${p##*/}"; done
    wipe "$n"
    called=$(word "$class/$n/dm/name")
    case $n in
      md*) if why=$(mdadm --stop "$dev/$n" 2>&1); then echo "stopped $n"; fi ;;
      dm-*)
        case $(word "$class/$n/dm/uuid") in
          CRYPT-*) if why=$(cryptsetup close "$called" 2>&1 || dmsetup remove "$called" 2>&1); then echo "closed $called"; fi ;;
        esac
        ;;
    esac
  done
  for group in $groups; do
    case $made in *dm-*) ;; *) continue ;; esac
    why=$(vgchange -q -an "$group" 2>&1) && echo "deactivated $group"
  done
  settle
done
echo "freed$disks"
`;
