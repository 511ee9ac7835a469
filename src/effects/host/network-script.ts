/**
 * What the scripts share that cut a host off the network and open it again. POSIX sh: dash and BusyBox run it. They run as root.
 *
 * What is known of an isolation lies in `/run/decom-isolate` (`$DECOM_NETWORK`, for machines that are none), which no boot outlives, as the
 * rules do not either. In it, a line each: `token`, `boot`, `run`, `since`, `way` (nft or iptables), `path` (`SSH_CONNECTION` of whoever cut), `seconds`,
 * `result` (cut, or failed and why) and `decided`: `confirmed`, `guard` or `reopened`, made by a hard link, so that only one of them decides.
 * `rules` holds the rules as the kernel told them at the start: what differs later was changed by others.
 *
 * Every rule is in a table of our own (nft), or in chains of our own with one jump to each (iptables): nothing else is read or removed. What
 * is kept open goes on to everybody else's rules. Nothing asks for the state of a connection, so those that are established end too.
 * Kept for the address itself: neighbours (IPv6), DHCP, without which it would be lost in a long wait, and the ICMP that sizes packets.
 */
const library = `
LC_ALL=C PATH=$PATH:/usr/sbin:/sbin:/usr/local/sbin; export LC_ALL PATH
umask 077
say() { printf '%s %s\\n' "$nonce" "$*"; }
has() { command -v "$1" >/dev/null 2>&1; }
boot=
{ read -r boot </proc/sys/kernel/random/boot_id; } 2>/dev/null
case \${DECOM_NETWORK:-} in
  /*) place=$DECOM_NETWORK ;;
  *) if [ -d /run ]; then place=/run/decom-isolate; else place=/var/run/decom-isolate; fi ;;
esac
get() { value=; { IFS= read -r value <"$place/$1"; } 2>/dev/null; }
put() { printf '%s\\n' "$2" >"$place/$1.new" && mv "$place/$1.new" "$place/$1"; }
now() { date -u +%Y-%m-%dT%H:%M:%SZ; }
netns() { readlink /proc/self/ns/net 2>/dev/null; }
uptime() { read -r up rest </proc/uptime; up=\${up%%.*}; }
family() { case $1 in *:*) echo 6 ;; *) echo 4 ;; esac; }
has_v6() { v6=; { read -r v6 </proc/net/if_inet6; } 2>/dev/null; [ -n "$v6" ]; }
has_bridge() { for one in /sys/class/net/*/bridge; do [ -d "$one" ] && return 0; done; return 1; }
bridges_out() { for one in /sys/class/net/*/brport; do [ -d "$one" ] && [ -e "\${one%/brport}/device" ] && return 0; done; return 1; }

nft_takes() { has nft && printf 'table %s decom-try {\\nchain c {\\ntype filter hook forward priority -400;\\n}\\n}\\n' "$1" | nft -c -f - >/dev/null 2>&1; }
table() { nft list table "$1" decom-isolate 2>/dev/null; }
tools() {
  echo iptables
  if has ip6tables-restore && ip6tables -S INPUT >/dev/null 2>&1; then echo ip6tables; fi
}
wait_for_lock() {
  w= rw=
  iptables -w -S INPUT >/dev/null 2>&1 && w=-w
  iptables-restore -w --noflush --test </dev/null >/dev/null 2>&1 && rw=-w
}
chains='INPUT:in OUTPUT:out FORWARD:through'

# The way that there is, and what it lacks.
choose() {
  way= lack=
  if [ -z "$boot" ]; then lack=no-boot-id
  elif nft_takes inet; then
    way=nft
    if has_bridge && ! nft_takes bridge; then lack=no-bridge; fi
  elif has iptables && has iptables-restore && iptables -S INPUT >/dev/null 2>&1; then
    way=iptables
    if has_v6 && [ "$(tools)" = iptables ]; then lack=no-ip6tables
    elif bridges_out; then lack=no-bridge; fi
  else lack=no-firewall; fi
}

# The rules, for nft: with the neighbours and all that the head of this file names.
nft_rules() {
  set -- $path
  from=$1 port=$4 ip=ip
  [ "$(family "$from")" = 4 ] || ip=ip6
  echo 'table inet decom-isolate {'
  echo 'chain in {'
  echo 'type filter hook input priority -400;'
  echo 'iifname "lo" accept'
  echo "$ip saddr $from tcp dport $port accept"
  for one in $keep; do
    [ "$(family "$one")" = 4 ] && echo "ip saddr $one accept" || echo "ip6 saddr $one accept"
  done
  echo 'icmp type destination-unreachable accept'
  echo 'icmpv6 type { packet-too-big, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } accept'
  echo 'udp sport 67 udp dport 68 accept'
  echo 'udp sport 547 udp dport 546 accept'
  echo 'counter drop'
  echo '}'
  echo 'chain out {'
  echo 'type filter hook output priority -400;'
  echo 'oifname "lo" accept'
  echo "$ip daddr $from tcp sport $port accept"
  for one in $keep; do
    [ "$(family "$one")" = 4 ] && echo "ip daddr $one accept" || echo "ip6 daddr $one accept"
  done
  echo 'icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert } accept'
  echo 'udp sport 68 udp dport 67 accept'
  echo 'udp sport 546 udp dport 547 accept'
  echo 'counter drop'
  echo '}'
  echo 'chain through {'
  echo 'type filter hook forward priority -400;'
  for one in $keep; do
    [ "$(family "$one")" = 4 ] && ip=ip || ip=ip6
    echo "$ip saddr $one accept"
    echo "$ip daddr $one accept"
  done
  echo 'counter drop'
  echo '}'
  echo '}'
  if has_bridge; then
    echo 'table bridge decom-isolate {'
    echo 'chain through {'
    echo 'type filter hook forward priority -400;'
    echo 'counter drop'
    echo '}'
    echo '}'
  fi
}
ip_rules() {
  of=$1
  set -- $path
  from=$1 port=$4
  echo '*filter'
  for one in in out through; do echo ":decom-isolate-$one - [0:0]"; done
  echo '-A decom-isolate-in -i lo -j RETURN'
  echo '-A decom-isolate-out -o lo -j RETURN'
  if [ "$(family "$from")" = "$of" ]; then
    echo "-A decom-isolate-in -s $from -p tcp --dport $port -j RETURN"
    echo "-A decom-isolate-out -d $from -p tcp --sport $port -j RETURN"
  fi
  for one in $keep; do
    [ "$(family "$one")" = "$of" ] || continue
    echo "-A decom-isolate-in -s $one -j RETURN"
    echo "-A decom-isolate-out -d $one -j RETURN"
    echo "-A decom-isolate-through -s $one -j RETURN"
    echo "-A decom-isolate-through -d $one -j RETURN"
  done
  if [ "$of" = 4 ]; then
    echo '-A decom-isolate-in -p icmp --icmp-type destination-unreachable -j RETURN'
    echo '-A decom-isolate-in -p udp --sport 67 --dport 68 -j RETURN'
    echo '-A decom-isolate-out -p udp --sport 68 --dport 67 -j RETURN'
  else
    for one in 2 134 135 136; do echo "-A decom-isolate-in -p ipv6-icmp --icmpv6-type $one -j RETURN"; done
    for one in 133 135 136; do echo "-A decom-isolate-out -p ipv6-icmp --icmpv6-type $one -j RETURN"; done
    echo '-A decom-isolate-in -p udp --sport 547 --dport 546 -j RETURN'
    echo '-A decom-isolate-out -p udp --sport 546 --dport 547 -j RETURN'
  fi
  for one in in out through; do echo "-A decom-isolate-$one -j DROP"; done
  for one in $chains; do echo "-I \${one%:*} 1 -j decom-isolate-\${one#*:}"; done
  echo COMMIT
}
apply() {
  if [ "$way" = nft ]; then nft_rules | nft -f -; return; fi
  wait_for_lock
  for tool in $(tools); do
    of=4
    [ "$tool" = iptables ] || of=6
    ip_rules "$of" | "$tool-restore" $rw --noflush || return 1
  done
}
present() {
  if [ "$way" = nft ]; then
    table inet >/dev/null || table bridge >/dev/null
    return
  fi
  for tool in $(tools); do
    for one in $chains; do "$tool" -S "decom-isolate-\${one#*:}" >/dev/null 2>&1 && return 0; done
  done
  return 1
}
undo() {
  if [ "$way" = nft ]; then
    for one in inet bridge; do table "$one" >/dev/null && nft delete table "$one" decom-isolate; done
    return 0
  fi
  wait_for_lock
  for tool in $(tools); do
    for one in $chains; do
      ours=decom-isolate-\${one#*:}
      "$tool" $w -S "$ours" >/dev/null 2>&1 || continue
      while "$tool" $w -D "\${one%:*}" -j "$ours" 2>/dev/null; do :; done
      "$tool" $w -F "$ours"
      "$tool" $w -X "$ours"
    done
  done
}
# As the kernel tells them, without their counters.
rules() {
  if [ "$way" = nft ]; then
    { table inet; table bridge; } | sed 's/ packets [0-9]* bytes [0-9]*//'
    return
  fi
  for tool in $(tools); do
    for one in $chains; do
      "$tool" -S "\${one%:*}" 2>/dev/null | sed -n 2p
      "$tool" -S "decom-isolate-\${one#*:}" 2>/dev/null
    done
  done
}
# Packets that came from outside and were dropped.
dropped() {
  if [ "$way" = nft ]; then table inet | sed -n '/chain in/,/}/s/.*counter packets \\([0-9]*\\) bytes.*/\\1/p'
  else for tool in $(tools); do "$tool" -nvxL decom-isolate-in 2>/dev/null | sed -n 's/^ *\\([0-9]*\\) .*DROP.*/\\1/p'; done; fi
}

# open: nothing of ours is there. pending: cut, and not confirmed. isolated: as it was cut. altered: others changed it.
judge() {
  state=open ended=never of= since= way= path= seconds=
  if [ ! -d "$place" ] || [ -L "$place" ] || [ ! -O "$place" ]; then
    choose
    if [ -n "$way" ] && present; then state=altered; fi
    return
  fi
  get run; of=$value
  get since; since=$value
  get way; way=$value
  get path; path=$value
  get seconds; seconds=$value
  get result; result=$value
  get decided; decided=$value
  get boot
  if [ "$value" != "$boot" ]; then
    ended=reboot
    if present; then state=altered; fi
  elif present; then
    case $decided/$result in
      confirmed/* | /cut) if [ "$(rules)" = "$(cat "$place/rules" 2>/dev/null)" ]; then state=isolated; else state=altered; fi ;;
      /) state=isolated ;;
      *) state=altered ;;
    esac
    if [ "$state" = isolated ] && [ -z "$decided" ]; then state=pending; fi
  else
    case $decided/$result in
      guard/*) ended=guard ;;
      reopened/*) ended=reopened ;;
      / | /failed*) ;;
      *) ended=removed ;;
    esac
  fi
}
tell() {
  say state "$state"
  say run "$of"
  say since "$since"
  say ended "$ended"
  say boot "$boot"
  if [ "$state" != open ]; then
    sum=0
    for one in $(dropped); do sum=$((sum+one)); done
    say dropped "$sum"
  fi
  case $result in failed*) say failed "\${result#failed}" ;; esac
}
reopen() {
  judge
  if [ -d "$place" ] && [ "$ended" = never ]; then put decided reopened; fi
  left=10
  [ -n "$way" ] || choose
  while present && [ "$left" -gt 0 ]; do
    undo
    left=$((left-1))
    present && sleep 1
  done
  judge
}
`;

/**
 * Looks, and changes nothing.
 *
 *     sh -c SCRIPT sh NONCE
 *
 * Says, each as `NONCE WORD VALUE`: state, run, since, ended, boot, dropped; `way` and `lack` of a cut that is still to come; `relies`, once for
 * each thing that it has over the network; and `end`.
 */
export const lookScript = `${library}
nonce=$1
judge
tell
choose
while read -r what where type rest; do
  case $type in
    nfs | nfs4 | cifs | smb3 | ceph | lustre | fuse.glusterfs | fuse.sshfs | fuse.ceph) ;;
    *) continue ;;
  esac
  case $where in / | /usr | /var | /bin | /sbin | /lib) lack=network-root ;; *) say relies "$where ($type)" ;; esac
done </proc/mounts
for one in /sys/class/iscsi_session/session*; do [ -d "$one" ] && say relies "an iSCSI session (\${one##*/})"; done
say way "$way"
say lack "$lack"
say end
exit 0
`;

/**
 * Cuts the host off. The guard is begun first, and it alone cuts: what is cut is guarded.
 *
 *     sh -c SCRIPT sh NONCE GUARD BY-HAND RUN SECONDS PATH [KEEP…]
 *
 * Does nothing unless the network is open. Says what it found afterwards, as `lookScript` does; or `refused WHY`.
 */
export const cutScript = `${library}
nonce=$1 guard=$2 byhand=$3 run=$4 limit=$5 from=$6
shift 6
judge
if [ "$state" != open ]; then tell; say end; exit 0; fi
choose
if [ -n "$lack" ]; then say refused "$lack"; say end; exit 0; fi
rm -rf "$place"
if ! mkdir "$place"; then say refused busy; say end; exit 0; fi
put boot "$boot" && put run "$run" && put way "$way" && put path "$from" && put seconds "$limit" && put keep "$*" && put netns "$(netns)" &&
  printf %s "$guard" >"$place/guard.sh" && printf %s "$byhand" >"$place/reopen.sh" && put token "$nonce" ||
  { rm -rf "$place"; say refused no-room; say end; exit 0; }
begun() {
  left=$1 more=300
  while [ ! -e "$place/result" ] && [ "$left" -gt 0 ]; do
    left=$((left-1))
    # One that is at it is given time: nobody else may begin then.
    if [ "$left" = 0 ] && [ -d "$place/began" ]; then left=$more more=0; fi
    sleep 0.1 2>/dev/null || sleep 1
  done
  [ -e "$place/result" ]
}
# A service of its own outlives the login also where logind ends what a login leaves behind.
tried=
if [ -d /run/systemd/system ] && has systemd-run; then
  systemd-run --quiet --collect --unit="decom-isolate-$nonce" /bin/sh "$place/guard.sh" "$place" "$nonce" >/dev/null 2>&1 && tried=1
fi
if [ -z "$tried" ] || ! begun 50; then
  apart=
  has setsid && apart=setsid
  $apart sh "$place/guard.sh" "$place" "$nonce" </dev/null >/dev/null 2>&1 &
  begun 100
fi
judge
tell
say end
exit 0
`;

/**
 * The guard: cuts, waits to be told that decom came back, and opens everything again if nobody says so in time. It needs nothing but the host.
 *
 *     sh SCRIPT PLACE TOKEN
 */
export const guardScript = `DECOM_NETWORK=$1 token=$2
${library}
trap '' HUP
get token
[ "$value" = "$token" ] || exit 0
get netns
[ "$value" = "$(netns)" ] || exit 0
mkdir "$place/began" 2>/dev/null || exit 0
get way; way=$value
get path; path=$value
get keep; keep=$value
get seconds; limit=$value
put since "$(now)" || { rmdir "$place/began"; exit 0; }
uptime
until=$((up+limit))
if said=$(apply 2>&1) && rules >"$place/rules.new" && mv "$place/rules.new" "$place/rules" && put result cut; then :
else
  undo
  put result "failed $(printf %s "$said" | head -n 1)"
  exit 0
fi
while :; do
  get token
  [ "$value" = "$token" ] || exit 0
  get decided
  [ "$value" != confirmed ] || exit 0
  # It may have been opened in the moment before it was cut.
  [ -z "$value" ] || break
  uptime
  [ "$up" -lt "$until" ] || break
  sleep 1
done
echo guard >"$place/by-guard"
ln "$place/by-guard" "$place/decided" 2>/dev/null
get decided
[ "$value" != confirmed ] || exit 0
while present; do
  undo
  present && sleep 1
done
`;

/**
 * Tells the guard that decom came back. Refused on the connection that cut: that one proves nothing of the next.
 *
 *     sh -c SCRIPT sh NONCE RUN PATH
 */
export const confirmScript = `${library}
nonce=$1
judge
if [ "$state" = pending ] && [ "$of" = "$2" ]; then
  if [ "$path" = "$3" ]; then say refused same-connection
  else
    echo confirmed >"$place/by-$nonce"
    ln "$place/by-$nonce" "$place/decided" 2>/dev/null
    rm -f "$place/by-$nonce"
    judge
  fi
fi
tell
say end
exit 0
`;

/** Opens the network again, whoever cut it: `sh -c SCRIPT sh NONCE`. */
export const reopenScript = `${library}
nonce=$1
reopen
tell
say end
exit 0
`;

/** The same for a person at the console: `sh /run/decom-isolate/reopen.sh`. */
export const byHandScript = `${library}
nonce=decom:
reopen
tell
`;
