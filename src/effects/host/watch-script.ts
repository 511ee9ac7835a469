/**
 * Looks at the sockets of a host once a second for `$1` seconds, in one command, and tells only what is new. POSIX sh and awk: mawk, gawk and BusyBox run
 * it. It reads only, and makes no file.
 *
 *     decom watch 1 UID ss|proc    it begins; how sockets are read
 *     own ADDRESS PORT ADDRESS PORT   the SSH connection by which it was asked
 *     +ID EI LINE                  a connection that was not met before, as ss or /proc/net tells it; E 1: in the first look, I 1: something listens at its port
 *     ~ID LINE                     more is known of it: its process, or that it had not ended
 *     h INODE PID NAME             who holds a socket of /proc/net
 *     . LOOKS WATCHED GAP          once a look: seconds that count, and the longest time between two looks
 *     = ID LOOKS                   at the end: in how many looks it was there
 *     %more COUNT                  connections of which there was no room for another line
 *     %strange COUNT               lines that were not understood
 *     decom watch end
 *     !WHY                         in place of the rest: it could not be watched
 *
 * Time is that of /proc/uptime, which nobody sets. A look that comes late counts for ten seconds at most: what went on meanwhile was not
 * seen. `DECOM_SURVEY` names the program that answers a survey of the practice machine: then its sockets are those of that answer. From the thousandth connection on, those of one peer to one port are one line.
 */
export const watchScript = `
LC_ALL=C TZ=UTC0 PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin; export LC_ALL TZ PATH
unset CDPATH ENV BASH_ENV
has() { command -v "$1" >/dev/null 2>&1; }
holders='ls -l /proc/[0-9]*/fd 2>/dev/null'
if [ -n "$DECOM_SURVEY" ]; then by=proc look='"$DECOM_SURVEY" | sed -n "s/^net|//p"' holders='"$DECOM_SURVEY" | sed -n "s/^holders|//p"'
elif has ss; then by=ss look='ss -tunap'
elif [ -r /proc/net/tcp ]; then by=proc look='for f in tcp tcp6 udp udp6; do [ -e /proc/net/$f ] || continue; sed "s/^/$f /" /proc/net/$f || exit; done'
else by=none; fi
echo "decom watch 1 $(id -u) $by"
[ $by != none ] || { echo '!no-sockets'; exit; }
c=$SSH_CONNECTION p=$$ n=0
while [ -z "$c" ] && [ "$p" -gt 1 ] && [ $n -lt 16 ]; do
  c=$(tr "\\000" "\\n" </proc/$p/environ 2>/dev/null | sed -n "s/^SSH_CONNECTION=//p" | sed 1q)
  line=; { IFS= read -r line </proc/$p/stat; } 2>/dev/null
  set -- "$1" \${line##*) }; p=\${3:-0}; n=$((n + 1))
done
printf 'own %.200s\\n' "$c"
has awk || { echo '!no-awk'; exit; }
exec awk -v span="$1" -v by=$by -v look="( $look; ) 2>/dev/null </dev/null; echo \\"%exit \\$?\\"" -v holders="$holders" '
function now(  l, f) {
  if ((getline l < "/proc/uptime") > 0) { close("/proc/uptime"); split(l, f, " "); return f[1] + 0 }
  "date +%s" | getline l; close("date +%s"); return l + 0
}
function last(text, by,  parts, n) { n = split(text, parts, by); return parts[n] }
function parse(l,  f, n) {
  n = split(l, f, /[ \\t]+/)
  if (by == "ss") {
    if (f[1] != "tcp" && f[1] != "udp") { if (l != "" && f[1] != "Netid") strange++; return 0 }
    proto = f[1]; here = f[5]; there = f[6]; who = f[7]
    listens = f[2] == "LISTEN" || f[2] == "UNCONN"; ended = f[2] == "TIME-WAIT"
  } else {
    if (f[2] !~ /^[0-9]+:$/) { if (l != "" && f[2] != "sl") strange++; return 0 }
    proto = substr(f[1], 1, 3); here = f[3]; there = f[4]; who = f[11]
    listens = f[5] == (proto == "tcp" ? "0A" : "07"); ended = f[5] == "06"
  }
  return n > 5
}
function lessPort(end) { sub(/[^:]*$/, by == "ss" ? "0" : "0000", end); return end }
function holding(  l, f, n, i, pid, name, inode) {
  while ((holders | getline l) > 0) {
    if (l ~ /^\\/proc\\/[0-9]+\\/fd:$/) { split(l, f, "/"); pid = f[3]; name = ""; continue }
    n = split(l, f, " ")
    if (f[1] ~ /^[0-9]+$/) { for (i = 2; i < n; i++) if (f[i] in wanted) { print "h " f[i] " " f[1] " " f[n]; delete wanted[f[i]] }; continue }
    if (l !~ /socket:\\[[0-9]+\\]/) continue
    inode = l; sub(/^.*socket:\\[/, "", inode); sub(/\\].*$/, "", inode)
    if (!(inode in wanted)) continue
    if (name == "") { getline name < ("/proc/" pid "/comm"); close("/proc/" pid "/comm") }
    print "h " inode " " pid " " name; delete wanted[inode]
  }
  close(holders)
}
BEGIN {
  at = now(); watched = 0; gap = 0; ids = 0; more = 0
  for (looks = 1; ; looks++) {
    m = 0; whole = 0
    while ((look | getline l) > 0) { if (l == "%exit 0") whole = 1; else row[++m] = l }
    close(look)
    if (!whole) { print "!unread"; exit }
    split("", open); asks = 0
    for (i = 1; i <= m; i++) if (parse(row[i]) && listens) open[proto " " last(here, ":")] = 1
    for (i = 1; i <= m; i++) {
      if (!parse(row[i]) || listens) continue
      key = proto " " here " " there
      if (!(key in id) && ids >= 1000) {
        if ((proto " " last(here, ":")) in open) key = proto " " here " " lessPort(there); else key = proto " " lessPort(here) " " there
        if (!(key in id) && ids >= 4000) { more++; continue }
      }
      if (!(key in id)) {
        id[key] = ++ids; seen[key] = 0; rest[key] = ended; known[key] = who
        print "+" ids " " (looks == 1) ((proto " " last(here, ":")) in open) " " row[i]
        if (by == "proc" && who != "0") { wanted[who] = 1; asks = 1 }
      } else if ((rest[key] && !ended) || (by == "ss" && known[key] == "" && who != "")) {
        if (!ended) rest[key] = 0
        if (who != "") known[key] = who
        print "~" id[key] " " row[i]
        if (by == "proc" && who != "0") { wanted[who] = 1; asks = 1 }
      }
      if (met[key] != looks) { met[key] = looks; seen[key]++ }
    }
    if (asks) holding()
    t = now(); if (looks > 1) { d = t - at; if (d > gap) gap = d; watched += d > 10 ? 10 : d }; at = t
    print ". " looks " " watched " " gap
    fflush()
    if (watched >= span && looks > 1) break
    system("sleep 1")
  }
  for (key in id) print "= " id[key] " " seen[key]
  if (more) print "%more " more
  if (strange) print "%strange " strange
  print "decom watch end"
}'
`;
