import type { EventType } from '../../core/event.ts';
import { lineNamespace, sessionNamespace } from '../../core/seal.ts';
import { statementNamespace } from '../../core/statement.ts';

/** Every type of line. */
const types: Readonly<Record<EventType, true>> = {
  'session.opened': true,
  'session.closed': true,
  'run.opened': true,
  'host.claimed': true,
  'claim.taken-over': true,
  'host.counted': true,
  'storage.seen': true,
  'caps.raised': true,
  'head.kept': true,
  'head.not-kept': true,
  'log.repaired': true,
  'unsigned.accepted': true,
  'statement.taken': true,
  'statement.refused': true,
  'step.started': true,
  'step.planned': true,
  'step.agreed': true,
  'operation.intended': true,
  'operation.done': true,
  'operation.failed': true,
  'operation.in-doubt': true,
  'operation.resolved': true,
  'step.verified': true,
  'step.failed': true,
  'step.skipped': true,
  'step.previewed': true,
  'gate.blocked': true,
  'gate.waived': true,
  'gate.approved': true,
  'run.parked': true,
  'run.stopped': true,
  'plan.amended': true,
  'rollback.opened': true,
  'run.closed': true,
};

/**
 * `verify.sh`, which stands beside every log: checks chain, signatures and files in `out/` with `sha256sum`, `ssh-keygen` and what POSIX
 * has, so that nobody has to trust this program to judge what it wrote. It gives the same verdicts and exit codes as `decom audit verify`.
 * docs/audit-format.md says what it checks.
 */
export const verifyScript = `#!/bin/sh
# Checks an audit log of decom without decom: its chain, its signatures, and the files in out/ that it refers to.
# Needs sha256sum, ssh-keygen (OpenSSH 8.9 or later) and the tools of POSIX.
#
#   sh verify.sh [-s ALLOWED_SIGNERS] [-H HEAD] [FOLDER]
#
# ALLOWED_SIGNERS  who may sign (ssh-keygen(1)); without it no signature can be judged. Take your own, not one that came with the log.
# HEAD             the hash of a head that was kept elsewhere; the log has to hold that line.
# Exit: 0 closed and signed, 6 broken, 11 intact but open, 12 intact but unsigned, 2 it could not be checked.
set -u
LC_ALL=C
export LC_ALL
cannot() { echo "cannot check: $1" >&2; exit 2; }
signers= kept=
while getopts s:H: option; do
  case $option in
    s) signers=$OPTARG ;;
    H) kept=$OPTARG ;;
    *) exit 2 ;;
  esac
done
shift $((OPTIND - 1))
folder=\${1:-$(dirname "$0")}
log=$folder/audit.jsonl
for tool in sha256sum ssh-keygen sed awk split sort xargs cmp tr; do
  command -v "$tool" >/dev/null || cannot "$tool is missing"
done
[ -r "$log" ] || cannot "$log cannot be read"
[ -z "$signers" ] || [ -r "$signers" ] || cannot "$signers cannot be read"
work=$(mktemp -d) || cannot 'no folder for temporary files'
trap 'rm -rf "$work"' EXIT
trap 'exit 2' HUP INT TERM
# Of the names of a line the first is the person; ssh-keygen would take the others, which are roles, for persons with the same key. Nor is a pattern one.
if [ -n "$signers" ]; then
  sed -e 's/^[[:blank:]]*//' -e 's/^#.*//' -e 's/^"\\([^",]*\\)[^"]*"/"\\1"/' -e 's/^\\([^",[:blank:]]*\\),[^[:blank:]]*/\\1/' \\
    -e 's/^"[^"]*[*?!].*//' -e 's/^[^"[:blank:]]*[*?!].*//' "$signers" >"$work/persons"
fi
broken() { echo broken; echo "Line $1: $2."; exit 6; }

# Whether a sector of 512 bytes, from byte $1 of the log to its end, is all zero: what a crash may leave.
zero_sector() {
  at=$1
  while [ "$at" -lt "$total" ]; do
    length=$((512 - at % 512))
    left=$(tail -c +$((at + 1)) "$log" | head -c "$length" | tr -d '\\000' | wc -c)
    [ "$left" -eq 0 ] && return 0
    at=$((at + length))
  done
  return 1
}

# 1. Form. A last line without its newline is torn.
total=$(wc -c <"$log") torn=0
count=$(wc -l <"$log")
head -n "$count" "$log" >"$work/log"
whole=$(wc -c <"$work/log")
[ "$whole" -eq "$total" ] || torn=1
form='^{.*"prev":"[0-9a-f]\\{64\\}".*"seq":[0-9][0-9]*,.*"ts":"[0-9TZ:.-]*","type":"\\(${Object.keys(types).join('\\|').replaceAll('.', '\\.')}\\)",.*"v":1[,}].*$'
bad=$(tr '\\000' '\\001' <"$work/log" | sed -n "/$form/!{=;q;}")
if [ -n "$bad" ]; then
  [ "$bad" -eq "$count" ] && [ "$torn" -eq 0 ] || broken "$bad" 'the line is damaged, or none that decom writes'
  head -n $((count - 1)) "$work/log" >"$work/good"
  start=$(wc -c <"$work/good")
  zero_sector "$start" || broken "$bad" 'the line is damaged, and no crash leaves such a line'
  mv "$work/good" "$work/log"
  count=$((count - 1)) torn=1
fi

# A signature has one place and one spelling: what is signed would be the same with it elsewhere.
place='"seq":[0-9][0-9]*,\\("serial":"\\([^"\\]\\|\\\\.\\)*",\\|"sha256":"[^"]*",\\)*"signature":"[A-Za-z0-9+/=]*",'
bad=$(grep -n '"signature":"' "$work/log" | grep -v "$place" | head -n 1 | cut -d : -f 1)
[ -z "$bad" ] || broken "$bad" 'its signature does not stand where decom writes it'

# 2. Order and chain: prev is the SHA-256 of the line before, newline included; the first is the digest of the intent.
mkdir "$work/lines"
split -l 1 -a 6 "$work/log" "$work/lines/l."
find "$work/lines" -type f | sort | xargs sha256sum | cut -c 1-64 >"$work/hashes"
[ "$count" -gt 0 ] || : >"$work/hashes"
sed 's/.*"prev":"\\([0-9a-f]\\{64\\}\\)".*/\\1/' "$work/log" >"$work/prevs"
sed 's/.*"seq":\\([0-9][0-9]*\\),.*/\\1/' "$work/log" >"$work/seqs"
bad=$(awk '$1 != NR - 1 { print NR; exit }' "$work/seqs")
[ -z "$bad" ] || broken "$bad" 'the line has another line’s number'
first=$(sed -n 1p "$work/prevs")
{ [ "$count" -eq 0 ] || echo "$first"; sed '$d' "$work/hashes"; } >"$work/expected"
bad=$(paste "$work/prevs" "$work/expected" | awk '$1 != $2 { print NR; exit }')
[ -z "$bad" ] || broken "$bad" "the line before this one was changed (line $((bad - 1)))"
for file in "$folder/intent.json" "$folder"/intent.[0-9]*.json; do
  [ ! -f "$file" ] || echo "$(sha256sum <"$file" | cut -c 1-64) $file"
done >"$work/intents"
[ "$count" -eq 0 ] || grep -q "^$first " "$work/intents" || broken 1 'the first line does not belong to intent.json'
opened=$(sed -n '/"type":"run\\.opened",/{=;q;}' "$work/log")
if [ -n "$opened" ]; then
  sed -n "\${opened}p" "$work/log" | grep -q "\\"intent\\":\\"$first\\"" || broken "$opened" 'it names another intent than the chain begins with'
elif [ -n "$(ls -A "$folder/out" 2>/dev/null)" ]; then
  broken 1 'the log lacks its first lines, though its folder holds what later ones refer to'
fi

# 3. Signatures. What is signed is the line as it would be without its signature. A session with a key signs all its lines; the last of them
# holds all before it, so that one is verified. Where it does not hold, the first that does not is looked for.
message() { sed 's/\\(.*\\)"signature":"[^"]*",/\\1/' "$work/line"; }
armour() {
  echo '-----BEGIN SSH SIGNATURE-----'
  sed 's/.*"signature":"\\([^"]*\\)".*/\\1/' "$work/line" | fold -w 70
  echo '-----END SSH SIGNATURE-----'
}
holds() {
  sed -n "\${1}{p;q;}" "$work/log" >"$work/line"
  armour >"$work/signature"
  message | ssh-keygen -Y verify -f "$work/session" -I session -n ${lineNamespace} -s "$work/signature" >"$work/said" 2>&1
}
# Of the session that begins at line $1 and ends at line $2.
judge_session() {
  [ "$2" -gt "$1" ] || return 0
  echo "session namespaces=\\"${lineNamespace}\\" $key" >"$work/session"
  if holds "$2"; then return 0; fi
  at=$(($1 + 1))
  while [ "$at" -lt "$2" ] && holds "$at"; do at=$((at + 1)); done
  broken "$at" "its signature is not what the key of its session (line $1) makes of it"
}
lacks= key= opened_at=0 whose= present=
run=$([ -z "$opened" ] || sed -n "\${opened}p" "$work/log" | sed 's/.*,"run":"\\([^"]*\\)",.*/\\1/')
: >"$work/given"
: >"$work/answers"
: >"$work/ids"
: >"$work/drivers"
intent=
# Of every line: whether it opens a session, holds a statement, or is signed where it must not be or not where it must.
awk '
  { signed = index($0, "\\"signature\\":\\"") > 0 }
  index($0, "\\"type\\":\\"session.opened\\",") { print NR, "opened"; keyed = index($0, "\\"seal\\":{\\"key\\":\\"") > 0; driven = 0; next }
  signed != keyed { print NR, signed ? "stray" : "bare"; exit }
  index($0, "\\"type\\":\\"statement.taken\\",") { print NR, "statement" }
  index($0, "\\"type\\":\\"run.opened\\",") || index($0, "\\"type\\":\\"plan.amended\\",") { print NR, "intent" }
  index($0, "\\"type\\":\\"run.opened\\",") || index($0, "\\"type\\":\\"step.started\\",") || index($0, "\\"type\\":\\"rollback.opened\\",") {
    if (!driven) print NR, "driven"
    driven = 1
  }
  index($0, "\\"type\\":\\"gate.approved\\",") { print NR, "approved" }
  index($0, "\\"type\\":\\"gate.waived\\",") { print NR, "waived" }
  END { if (keyed) print NR, "end" }
' "$work/log" >"$work/places"
while read -r n what <&3; do
  sed -n "\${n}{p;q;}" "$work/log" >"$work/line"
  line=$(cat "$work/line")
  case $what in
    opened)
      [ -z "$key" ] || judge_session "$opened_at" $((n - 1))
      sed -n "\${n}{p;q;}" "$work/log" >"$work/line"
      whose="the session that begins at line $n"
      case $line in *'"signature":"'*) mark=1 ;; *) mark=0 ;; esac
      case $line in *'"seal":{"key":"'*) seal=1 ;; *) seal=0 ;; esac
      [ "$seal" = "$mark" ] || broken "$n" 'it names a key, or is signed, but not both'
      key= opened_at=$n
      present=$(sed -e 's/.*"seal":{"key":"[^"]*","principal":"\\([^"]*\\)"}.*/\\1/' -e t -e 's/.*"operator":"\\([^"]*\\)",.*/\\1/' "$work/line")
      if [ "$mark" = 0 ]; then
        lacks="$lacks
Not signed: nobody vouches for $whose."
        continue
      fi
      key=$(sed 's/.*"seal":{"key":"\\([^"]*\\)".*/\\1/' "$work/line")
      principal=$(sed 's/.*"seal":{"key":"[^"]*","principal":"\\([^"]*\\)"}.*/\\1/' "$work/line")
      time=$(sed 's/.*"ts":"\\([^"]*\\)".*/\\1/' "$work/line" | tr -d ':T-' | cut -c 1-14)
      armour >"$work/signature"
      if [ -z "$signers" ]; then
        lacks="$lacks
Not signed: $whose is signed, and no list of allowed signers was given (-s)."
      else
        message | ssh-keygen -Y verify -f "$work/persons" -I "$principal" -n ${sessionNamespace} -s "$work/signature" -O "verify-time=\${time}Z" >"$work/said" 2>&1 ||
          broken "$n" "the signature of $principal does not hold: $(tail -n 1 "$work/said")"
        echo "line $n: $(tail -n 1 "$work/said")"
      fi
      ;;
    end) judge_session "$opened_at" "$n" ;;
    stray) broken "$n" 'it is signed, and its session has no key' ;;
    bare)
      judge_session "$opened_at" $((n - 1))
      broken "$n" "it is not signed, and its session (line $opened_at) signs every line"
      ;;
    intent) intent=$(sed 's/.*,"intent":"\\([0-9a-f]*\\)",.*/\\1/' "$work/line") ;;
    driven) echo "$present" >>"$work/drivers" ;;
    approved)
      sed 's/.*"approvals":\\[\\(.*\\)\\],"direction":.*/\\1/' "$work/line" | awk '{ gsub(/},[{]/, "}\\n{"); print }' >"$work/counted"
      wanted=$(sed 's/.*,"wanted":{"persons":\\([1-9]\\),"roles":\\[\\([^]]*\\)\\]}}$/\\1 \\2/' "$work/line")
      ts=$(sed 's/.*"ts":"\\([^"]*\\)".*/\\1/' "$work/line")
      # What was given: intent, end, person, and the words by which it is counted.
      why=$(awk -F '\\t' -v intent="$intent" -v now="$ts" -v wanted="$wanted" '
        FILENAME ~ /drivers$/ { drives[$0] = 1; next }
        FILENAME ~ /given$/ { of[$4] = $1; end[$4] = $2; by[$4] = $3; next }
        why != "" { next }
        !($0 in of) { why = "it counts an approval that is not on record before it"; next }
        of[$0] != intent { why = "it counts the approval of " by[$0] ", and it was given to another plan than the one in force"; next }
        by[$0] in drives { why = "it counts the approval of " by[$0] ", who drives the run"; next }
        end[$0] <= now { why = "it counts the approval of " by[$0] ", and it has expired, or has no end"; next }
        { if (!(by[$0] in seen)) persons++; seen[by[$0]] = 1; role = $0; sub(/^.*,"role":/, "", role); sub(/,"statement":.*$/, "", role); roles[role] = 1 }
        END {
          n = split(wanted, word, " ")
          if (n < 1 || word[1] !~ /^[1-9]$/) missing = 1
          count = split(word[2], named, ",")
          for (i = 1; i <= count; i++) if (!(named[i] in roles)) missing = 1
          if (why == "" && (missing || persons < word[1])) why = "it lets a step begin with fewer approvals than it says are wanted"
          print why
        }' "$work/drivers" "$work/given" "$work/counted") || cannot 'awk failed'
      [ -z "$why" ] || broken "$n" "$why"
      ;;
    waived)
      said=$(message | sed 's/^{"by":\\("[^"]*"\\),"direction":"[a-z]*","gate":\\("[^"]*"\\),"prev":"[0-9a-f]*","reason":\\(".*"\\),"seq":[0-9]*,"statement":"\\([0-9a-f]*\\)","step":\\("[^"]*"\\),"trouble":.*/\\4 \\1 \\2 \\5 \\3/')
      grep -qxF "$intent $said" "$work/answers" || broken "$n" 'it says that somebody answers for a gate, and that is not on record before it'
      ;;
    statement)
      by=$(sed 's/.*,"statement":{"at":"[^"]*","by":"\\([^"]*\\)",.*/\\1/' "$work/line")
      case $line in *",\\"run\\":\\"$run\\","*) ;; *) broken "$n" "what $by said there was said of another run" ;; esac
      id=$(sed 's/.*,"statement":{.*,"id":"\\([0-9a-f]*\\)","intent".*/\\1/' "$work/line")
      ! grep -qx "$id" "$work/ids" || broken "$n" "what $by said there is on record before it"
      echo "$id" >>"$work/ids"
      of=$(sed 's/.*,"statement":{.*,"intent":"\\([0-9a-f]*\\)","kind":.*/\\1/' "$work/line")
      case $line in
        *'"kind":"waive",'*)
          sed 's/.*,"statement":{"at":"[^"]*","by":\\("[^"]*"\\),.*"gate":\\("[^"]*"\\),"host":"[^"]*","id":"\\([0-9a-f]*\\)","intent":"\\([0-9a-f]*\\)","kind":"waive","run":"[^"]*","step":\\("[^"]*"\\),"text":\\(".*"\\)},"ts":"[^"]*","type":"statement\\.taken","v":1}$/\\4 \\3 \\1 \\2 \\5 \\6/' "$work/line" >>"$work/answers"
          ;;
      esac
      case $line in
        *'"signed":null,'*)
          lacks="$lacks
Not signed: what $by said at line $n is signed by nobody."
          continue
          ;;
      esac
      role=null
      case $line in *'"role":"'*) role=$(sed 's/.*"role":\\("[^"]*"\\),.*/\\1/' "$work/line") ;; esac
      case $line in
        *'"kind":"approve",'*)
          end=
          case $line in *'"expires":"'*) end=$(sed 's/.*"expires":"\\([^"]*\\)",.*/\\1/' "$work/line") ;; esac
          printf '%s\\t%s\\t%s\\t{"by":"%s","role":%s,"statement":"%s"}\\n' "$of" "$end" "$by" "$by" "$role" "$id" >>"$work/given"
          ;;
      esac
      if [ -z "$signers" ]; then
        lacks="$lacks
Not signed: what $by said at line $n is signed, and no list of allowed signers was given (-s)."
        continue
      fi
      time=$(sed 's/.*"ts":"\\([^"]*\\)".*/\\1/' "$work/line" | tr -d ':T-' | cut -c 1-14)
      {
        echo '-----BEGIN SSH SIGNATURE-----'
        sed 's/.*"signed":"\\([^"]*\\)","statement":.*/\\1/' "$work/line" | fold -w 70
        echo '-----END SSH SIGNATURE-----'
      } >"$work/signature"
      sed 's/.*,"statement":\\({.*}\\),"ts":"[^"]*","type":"statement\\.taken","v":1}$/\\1/' "$work/line" |
        ssh-keygen -Y verify -f "$work/persons" -I "$by" -n ${statementNamespace} -s "$work/signature" -O "verify-time=\${time}Z" >"$work/said" 2>&1 ||
        broken "$n" "the signature of $by does not hold: $(tail -n 1 "$work/said")"
      echo "line $n: $(tail -n 1 "$work/said")"
      case $line in
        *'"kind":"sign",'*)
          size=$(sed 's/.*"size":\\([0-9]*\\),"text":.*/\\1/' "$work/line")
          hash=$(sed 's/.*,"statement":{.*"hash":"\\([0-9a-f]\\{64\\}\\)",.*/\\1/' "$work/line")
          [ "$(sed -n "\${size}p" "$work/hashes")" = "$hash" ] ||
            broken "$n" "$by signed another log: its line $size had the hash $hash"
          ;;
      esac
      ;;
  esac
done 3<"$work/places"
[ -n "$whose" ] || lacks="$lacks
Not signed: nobody has signed it."

# 4. What the plans wanted. Of each step that waits for others, beside the digest of its plan: so many persons, roles, and whether it acts.
while read -r digest file; do
  awk -v digest="$digest" '{
    wants = "[{]\\"approvals\\":[{]\\"persons\\":[1-9],\\"roles\\":[[][^]]*[]][}],\\"effect\\":\\"[a-z]*\\",\\"id\\":\\"[^\\"]*\\",\\"irreversible\\":"
    while (match($0, wants)) {
      one = substr($0, RSTART, RLENGTH)
      $0 = substr($0, RSTART + RLENGTH)
      id = one; sub(/.*,"id":"/, "", id); sub(/".*/, "", id)
      persons = one; sub(/.*"persons":/, "", persons)
      roles = one; sub(/.*"roles":[[]/, "", roles); sub(/[]].*/, "", roles)
      print digest "\\t" id "\\t" substr(persons, 1, 1) "\\t" roles "\\t" (one ~ /"effect":"none"/ ? 0 : 1)
    }
  }' "$file" || cannot 'awk failed'
done <"$work/intents" >"$work/wants"
cut -d ' ' -f 1 "$work/intents" >"$work/digests"
why=$(awk -F '\\t' '
  function step() {
    if (!match($0, /,"step":"[^"]*",("there":[{][^}]*[}],)?"ts":"[^"]*","type":"[a-z.-]*","v":1[,}]/)) return ""
    return substr($0, RSTART + 9, index(substr($0, RSTART + 9), "\\"") - 1)
  }
  function lacks(id, acts,   n, i, role) {
    if (!((intent, id) in persons) || (acting[intent, id] && !acts)) return 0
    if (!(id in met) || met[id] < persons[intent, id]) return 1
    n = split(roles[intent, id], role, ",")
    for (i = 1; i <= n; i++) if (index("," as[id] ",", "," role[i] ",") == 0) return 1
    return 0
  }
  FILENAME ~ /digests$/ { there[$0] = 1; next }
  FILENAME ~ /wants$/ { persons[$1, $2] = $3; roles[$1, $2] = $4; acting[$1, $2] = $5; next }
  /"type":"(run[.]opened|plan[.]amended)",/ {
    intent = $0; sub(/.*,"intent":"/, "", intent); intent = substr(intent, 1, 64)
    if (!(intent in there)) { print FNR " the plan that it names is not in the run’s folder"; exit }
    for (id in met) delete met[id]
    next
  }
  !/"direction":"forth",/ { next }
  /"type":"step[.]started","v":1[}]$/ { delete met[step()]; next }
  /"type":"gate[.]approved","v":1,"wanted":/ {
    id = step()
    one = $0; sub(/.*"wanted":[{]"persons":/, "", one); met[id] = substr(one, 1, 1)
    sub(/^[0-9]*,"roles":[[]/, "", one); sub(/[]].*/, "", one); as[id] = one
    next
  }
  /"type":"(operation[.]intended|step[.]verified)","v":1[}]$/ {
    id = step()
    if (lacks(id, $0 ~ /"type":"operation[.]/)) { print FNR " step \\"" id "\\" went on without the approvals that its plan wants"; exit }
  }' "$work/digests" "$work/wants" "$work/log") || cannot 'awk failed'
[ -z "$why" ] || broken "\${why%% *}" "\${why#* }"

# 5. The files that lines refer to.
sed -n 's/.*"\\(before\\|blob\\|answer\\)":{"bytes":[0-9]*,"sha256":"\\([0-9a-f]\\{64\\}\\)"}.*/\\2/p' "$work/log" | sort -u >"$work/names"
for name in $(cat "$work/names"); do
  n=$(sed -n "/\\"sha256\\":\\"$name\\"/{=;q;}" "$work/log")
  [ -f "$folder/out/$name" ] && [ ! -h "$folder/out/$name" ] || broken "$n" "it refers to out/$name, and that file is missing"
  [ "$(sha256sum <"$folder/out/$name" | cut -c 1-64)" = "$name" ] ||
    broken "$n" "it refers to out/$name, and that file is not what was written"
done

# 6. A head that was kept elsewhere.
head=$(sed -n '$p' "$work/hashes")
if [ -n "$kept" ]; then
  grep -qx "$kept" "$work/hashes" || broken "$count" 'no line up to this one has the head that was kept elsewhere'
fi

status=$(sed -n -e 's/.*"type":"\\(run\\.closed\\)",.*/\\1/p' -e 's/.*"type":"\\(rollback\\.opened\\)",.*/\\1/p' "$work/log" | sed -n '$p')
tell() { echo "$1"; echo "lines $count, head $head, \${2}"; [ -z "$lacks" ] || echo "$lacks" | sed 1d; }
files="$(wc -l <"$work/names" | tr -d ' ') files in out/ as the lines say"
if [ "$status" != run.closed ]; then tell 'intact but open' "$files"; exit 11; fi
[ "$torn" -eq 0 ] || lacks="$lacks
Not signed: its last line is torn."
last=$(sed -n 's/.*"type":"\\([a-z.-]*\\)".*/\\1/p' "$work/log" | sed -n '$p')
[ "$last" = session.closed ] || lacks="$lacks
Not signed: its last session was never closed: the process was killed, or lines were cut off."
if [ -n "$lacks" ]; then tell 'intact but unsigned' "$files"; exit 12; fi
tell 'closed and signed' "$files"
`;
