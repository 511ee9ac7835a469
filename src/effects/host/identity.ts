import type { ProbeHandlers } from '../../core/action.ts';
import { isPlaceholder } from '../../core/placeholder.ts';
import type { Machine } from '../../core/ports.ts';
import { printable, printableLines } from '../../core/printable.ts';
import type { HostIdentity } from '../../core/probe.ts';
import { type Result, type Seen, seen, type Trouble, trouble, unseen } from '../../core/result.ts';
import { decode } from './plain-text.ts';

/**
 * Programs are asked before /sys: they are what an operator would compare with. Each answer stands between `%%begin NAME` and
 * `%%end EXIT`, so that one which is closed to us hides no other. hostnamectl waits 25 s for a dead bus, hence `timeout`.
 */
const sources = {
  'dmidecode-serial': 'dmidecode -s system-serial-number',
  'dmidecode-uuid': 'dmidecode -s system-uuid',
  'sys-serial': 'cat /sys/class/dmi/id/product_serial',
  'sys-uuid': 'cat /sys/class/dmi/id/product_uuid',
  hostnamectl: 'hostnamectl status',
  'machine-id': 'cat /etc/machine-id',
  'boot-id': 'cat /proc/sys/kernel/random/boot_id',
} as const;
type Source = keyof typeof sources;

const script = `
LC_ALL=C PATH=$PATH:/usr/sbin:/sbin; export LC_ALL PATH
ask() { echo "%%begin $1"; shift; "$@" 2>&1 </dev/null; code=$?; echo; echo "%%end $code"; }
limit=; command -v timeout >/dev/null 2>&1 && limit='timeout 5'
${Object.entries(sources)
  .map(([name, command]) => `ask ${name} ${command.startsWith('cat ') ? '' : '$limit '}${command}`)
  .join('\n')}
`;

/** Bytes of all answers together that are read. */
const limit = 64 << 10;

interface Said {
  readonly exit: number;
  readonly text: string;
  /** The command that printed so much that this answer did not come whole, or at all. */
  readonly cut?: string;
}
type Answers = (source: Source) => Said;

/** `host.identity`: serial, UUID, machine-id and boot id in one round trip, as root where that is allowed; each seen on its own. */
export const identityProbe =
  (machine: Machine): ProbeHandlers['host.identity'] =>
  async () => {
    const argv = ['sh', '-c', script];
    let asked = await machine.exec({ argv, root: true }, { limit });
    let noRoot: Trouble | undefined;
    if (!asked.ok && withoutRoot.includes(asked.error.code)) {
      noRoot = asked.error;
      asked = await machine.exec({ argv, root: false }, { limit });
    }
    if (!asked.ok) return unseen(asked.error);
    const { ended, stdout } = asked.value;
    if (ended.how === 'lost' || ended.how === 'aborted') return unseen(ended.trouble);
    const answers = read(decode(stdout), stdout.length >= limit);
    const legacy = await machine.legacy?.();
    const old = legacy?.ok === true && legacy.value.length > 0 ? { legacy: legacy.value } : {};
    return seen({ ...identity(answers, machine.name, await machine.hostKey(), noRoot), ...old });
  };

/** Why root is not to be had: less can be read without it, and that is said of each. */
export const withoutRoot: readonly string[] = ['root-needed', 'sudo-refused', 'sudo-password-wrong', 'no-secret'];

function identity(said: Answers, host: string, hostKey: Result<string>, noRoot: Trouble | undefined): HostIdentity {
  const names = field(said('hostnamectl'), 'Machine ID');
  const boot = field(said('hostnamectl'), 'Boot ID');
  return {
    serial: dmi('serial number', host, said('dmidecode-serial'), said('sys-serial'), noRoot),
    uuid: lower(dmi('UUID', host, said('dmidecode-uuid'), said('sys-uuid'), noRoot)),
    machine_id: hexId('machine-id', host, names ?? value(said('machine-id')), said('machine-id')),
    boot_id: dashed(hexId('boot id', host, boot ?? value(said('boot-id')), said('boot-id'))),
    host_key: hostKey.ok ? seen(hostKey.value) : unseen(hostKey.error),
  };
}

function dmi(what: string, host: string, program: Said, file: Said, noRoot: Trouble | undefined): Seen<string> {
  const found = value(program) ?? value(file);
  if (found !== undefined) {
    return isPlaceholder(found)
      ? unseen(
          trouble(
            'placeholder',
            `the ${what} of ${host} is a placeholder ("${found}"), which identifies nothing`,
            'Use the other sources: machine-id, SSH host key, BMC GUID.',
          ),
        )
      : seen(found);
  }
  const cut = program.cut ?? file.cut;
  if (cut !== undefined) return unseen(cutOff(what, host, cut));
  const detail = [program, file]
    .flatMap(({ text }) => printableLines(text))
    .filter((t) => t !== '')
    .join('\n');
  return unseen(
    /permission denied|can't read memory|operation not permitted|must be root/i.test(detail)
      ? trouble(
          'needs-root',
          `the ${what} of ${host} can be read by root only${noRoot === undefined ? '' : `: ${noRoot.what}`}`,
          noRoot?.fix ?? `Set ssh.sudo: true for ${host} in hosts.yaml, and allow it in sudoers.`,
          detail,
        )
      : trouble(
          'no-dmi',
          `${host} tells no ${what}: neither dmidecode nor /sys/class/dmi/id has one`,
          'Use the other sources.',
          detail,
        ),
  );
}

function hexId(what: string, host: string, found: string | undefined, { cut }: Said): Seen<string> {
  if (found === undefined && cut !== undefined) return unseen(cutOff(what, host, cut));
  const bare = found?.replaceAll('-', '').toLowerCase();
  if (bare === undefined || !/^[0-9a-f]{32}$/.test(bare)) {
    return unseen(noId(what, host, found));
  }
  return isPlaceholder(bare) ? unseen(noId(what, host, found)) : seen(bare);
}

const cutOff = (what: string, host: string, command: string): Trouble =>
  trouble(
    'identity-cut',
    `the ${what} of ${host} could not be read: "${command}" printed more than ${limit >> 10} KiB there`,
    `See what it prints: ${command} | head. It may be a wrapper that stands before the real one on the PATH.`,
  );

const noId = (what: string, host: string, found: string | undefined): Trouble =>
  trouble('no-id', `${host} tells no ${what}`, 'Use the other sources.', found);

/** The first line that is no remark: dmidecode puts `# SMBIOS …` before its answer on some machines. */
function value(said: Said): string | undefined {
  if (said.exit !== 0) return undefined;
  const line = said.text.split('\n').find((l) => l.trim() !== '' && !l.startsWith('#'));
  return line === undefined ? undefined : printable(line.trim());
}

const field = (said: Said, name: string): string | undefined =>
  said.exit === 0 ? new RegExp(`^\\s*${name}:\\s*(\\S+)`, 'm').exec(said.text)?.[1] : undefined;

const lower = (from: Seen<string>): Seen<string> => (from.known ? seen(from.value.toLowerCase()) : from);

/** As /proc/sys/kernel/random/boot_id writes it. */
const dashed = (from: Seen<string>): Seen<string> =>
  from.known ? seen(from.value.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')) : from;

/** `full`: no more than this was read. What ends nowhere in it was cut off, and what comes after that never came. */
function read(text: string, full: boolean): Answers {
  const answers = new Map<string, Said>();
  for (const [, name, said, exit] of text.matchAll(/^%%begin (\S+)\n([\s\S]*?)\n?%%end (\d+)$/gm)) {
    answers.set(name ?? '', { exit: Number(exit), text: said ?? '' });
  }
  const last = [...text.matchAll(/^%%begin (\S+)$/gm)].at(-1)?.[1];
  const talker = Object.entries(sources).find(([name]) => name === last)?.[1];
  const none = { exit: 127, text: '', ...(full && talker !== undefined ? { cut: talker } : {}) };
  return (source) => answers.get(source) ?? none;
}
