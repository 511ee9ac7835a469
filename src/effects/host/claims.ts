import { randomBytes } from 'node:crypto';
import { type Claim, type ClaimSeen, type Claims, claimRemoval } from '../../core/claim.ts';
import type { Clock, Machine } from '../../core/ports.ts';
import { fail, ok, type Result, trouble } from '../../core/result.ts';

/**
 * POSIX sh: dash and BusyBox run it.
 *
 *     sh -c SCRIPT sh MODE NONCE FIRST-LINE SECOND-LINE [OTHER-RUN]      (MODE look | take | over | drop)
 *
 * The claim is `/var/lib/decom/claim`, or `~/.decom/claim` for a login that cannot become root, which heeds the other one as well. It
 * comes by a hard link, so that it is there whole or not at all, and one of two that come at once finds the other's. Says `NONCE STATE
 * PATH`, and after `other` the claim's second line: `free`, `ours`, `taken`, `other`, `unreadable`, `failed`.
 */
const script = `
umask 022
mode=$1 nonce=$2 first=$3 second=$4 over=\${5:-}
common=/var/lib/decom/claim
if [ "$(id -u)" = 0 ]; then place=$common; else place=\${HOME%/}/.decom/claim; fi
case \${DECOM_CLAIM:-} in /*) common=$DECOM_CLAIM place=$DECOM_CLAIM ;; esac
say() { echo "$nonce $*"; }
# Whose it is: 0 ours, 1 another's, 2 nobody's, 3 unreadable.
whose() {
  one= two=
  [ -e "$1" ] || [ -L "$1" ] || return 2
  { IFS= read -r one; IFS= read -r two; } <"$1" || [ -n "$two" ] || return 3
  [ "$one" = "$first" ] || { [ "$mode" = look ] && [ "\${one% *}" = "\${first% *}" ]; }
}
make() {
  folder=\${place%/*}
  [ -d "$folder" ] || mkdir -p "$folder" || return 1
  printf '%s\\n%s\\n' "$first" "$second" >"$folder/.claim.$$" && ln "$folder/.claim.$$" "$place"
  made=$?
  rm -f "$folder/.claim.$$"
  return "$made"
}
for try in 1 2; do
  for file in "$common" "$place"; do
    whose "$file" 2>/dev/null
    case $? in
      0)
        if [ "$mode" = drop ]; then rm -f "$file" && say free "$file" && exit 0; fi
        say ours "$file"
        exit 0
        ;;
      1)
        if [ "$mode" = over ] && [ "\${one##* }" = "$over" ] && rm -f "$file" 2>/dev/null; then continue; fi
        say other "$file"
        printf '%s\\n' "$two"
        exit 0
        ;;
      3) say unreadable "$file"; exit 0 ;;
    esac
  done
  case $mode in look | drop) say free "$place"; exit 0 ;; esac
  if make 2>/dev/null; then say taken "$place"; exit 0; fi
done
say failed "$place"
`;

export interface ClaimDeps {
  readonly machine: Machine;
  /** Whether the login may become root; a claim that root makes is seen by every login. */
  readonly sudo: boolean;
  readonly clock: Clock;
  readonly mine: Omit<Claim, 'at'>;
}

/** This run's claim on the host. Troubles: those of the connection, `claim-unreadable`, `claim-failed`. */
export function claimsOn({ machine, sudo, clock, mine }: ClaimDeps): Claims {
  const ask = async (mode: 'look' | 'take' | 'over' | 'drop', over = ''): Promise<Result<ClaimSeen>> => {
    const nonce = `decom-${randomBytes(8).toString('hex')}`;
    const claim: Claim = { ...mine, at: clock.now().toISOString() };
    const first = `decom-claim 1 ${mine.state} ${mine.run}`;
    const argv = ['sh', '-c', script, 'sh', mode, nonce, first, JSON.stringify(claim), over];
    let ran = await machine.exec({ argv, root: sudo });
    if (!ran.ok && ran.error.code === 'sudo-refused') ran = await machine.exec({ argv, root: false });
    if (!ran.ok) return ran;
    const said = Buffer.from(ran.value.stdout).toString();
    const { ended } = ran.value;
    const at = said.indexOf(`${nonce} `);
    if (at === -1) return fail('trouble' in ended ? ended.trouble : unclear(machine.name, ended.how));
    const [line = '', second = ''] = said.slice(at + nonce.length + 1).split('\n');
    const [state = '', ...rest] = line.split(' ');
    const where = rest.join(' ');
    switch (state) {
      case 'free':
      case 'taken':
      case 'ours':
        return ok({ claim: state, where });
      case 'other': {
        const of = claimOf(second);
        return of === undefined ? fail(unreadable(machine.name, where)) : ok({ claim: 'other', where, of });
      }
      case 'unreadable':
        return fail(unreadable(machine.name, where));
      default:
        return fail(
          trouble(
            'claim-failed',
            `${machine.name} cannot be claimed: ${where} cannot be made`,
            'Make room or make it writable; nothing is done on a host that somebody else could be working on.',
            Buffer.from(ran.value.stderr).toString().trim(),
          ),
        );
    }
  };
  return {
    state: mine.state,
    look: () => ask('look'),
    take: () => ask('take'),
    takeOver: (run) => ask('over', run),
    drop: async () => {
      // A host that was switched off keeps it; to wait for one would hold up the end of the run.
      const there = await machine.reachable(1000);
      return there.known && there.value === 'yes' ? ask('drop') : fail(unreached(machine.name));
    },
  };
}

function claimOf(line: string): Claim | undefined {
  try {
    const value = JSON.parse(line) as Partial<Claim> | null;
    const { run, state, operator, control, at } = value ?? {};
    if ([run, state, operator, control, at].some((text) => typeof text !== 'string')) return undefined;
    return { run, state, operator, control, at } as Claim;
  } catch {
    return undefined;
  }
}

const unreadable = (host: string, where: string) =>
  trouble(
    'claim-unreadable',
    `${host} has a claim that cannot be read: ${where}`,
    'Find out on the host who works on it; remove the file only when nobody does.',
  );

const unreached = (host: string) =>
  trouble(
    'claim-left',
    `${host} cannot be reached, and keeps its claim`,
    `When the host is back, remove it there: ${claimRemoval}`,
  );

const unclear = (host: string, how: string) =>
  trouble('claim-unclear', `${host} did not say whether it is claimed (${how})`, 'Check its login shell.');
