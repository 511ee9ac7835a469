import type { Vm } from './vm.ts';

/** What can be seen of the machine from outside, for comparing before and after. Lines are sorted. */
export interface Observed {
  /** Every file of the disk that nothing but us would change: path, type, mode, owner, size, links, time of last change (ctime). */
  readonly disk: readonly string[];
  /** SHA-256 and path of the contents below /srv and /etc. */
  readonly contents: readonly string[];
  /** Services, sockets, timers and mounts with their states, and whether each is enabled. */
  readonly units: readonly string[];
  /** Owner and command line of every process but kernel threads and logins. */
  readonly processes: readonly string[];
}

/**
 * What a running Debian changes by itself: logs, the seed, and the file that the app service grows. Temporary folders are listed apart. The
 * kernel's own trees are not on the disk, but find names where they are mounted, and the links of /proc count the processes.
 */
const restless = [
  '/var/log',
  '/var/lib/systemd',
  '/srv/app/app.log',
  '/run',
  '/tmp',
  '/var/tmp',
  '/dev',
  '/proc',
  '/sys',
];

const diskScript = `find / -xdev \\( ${restless.map((path) => `-path ${path}`).join(' -o ')} \\) -prune -o -printf '%p\\t%y %m %U:%G %s %n %C@ %l\\0'; find /run/decom /tmp /var/tmp -mindepth 1 -not -path '*/systemd-private-*' -printf '%p\\t%y\\0' 2>/dev/null`;
const contentsScript = (paths: readonly string[]): string =>
  `cd / && find ${paths.join(' ')} -type f -print0 | sort -z | xargs -0 sha256sum -z --`;
const unitsScript = `systemctl list-units --all --plain --no-legend --full --type=service,socket,timer,mount | grep -v -e '^user' -e '^session' -e '^run-user' -e '^systemd-\\(timedated\\|hostnamed\\)\\.service' | awk '{print $1, $2, $3, $4}'
systemctl list-unit-files --no-legend --full | awk '{print $1, $2}'`;
// hostnamectl, asked for the machine's identity, wakes systemd-hostnamed, which goes away by itself after half a minute;
// until it is reaped, ps shows the kernel's name of it, which is cut after 15 characters: `[systemd-hostnam] <defunct>`.
const processesScript = `ps -eo ppid=,user:32=,args= | awk '$1 != 2' | grep -v -e sshd: -e 'ps -eo' -e '/systemd --user' -e '(sd-pam)' -e ' \\(awk\\|grep\\|sed\\|sort\\|bash -c\\|sh -c\\)' -e kthreadd -e systemd-hostnam | sed 's/^ *[0-9]* *//'`;

export async function observe(vm: Vm): Promise<Observed> {
  const part = async (script: string, end: string): Promise<readonly string[]> => {
    const { code, stdout, stderr } = await vm.sh(script);
    if (code !== 0 && stdout.length === 0) throw new Error(`${script}: ${stderr}`);
    // latin1 keeps every byte of a name apart.
    return stdout
      .toString('latin1')
      .split(end)
      .filter((line) => line !== '')
      .sort();
  };
  return {
    disk: await part(diskScript, '\0'),
    contents: (await part(contentsScript(['srv', 'etc']), '\0')).filter((line) => !line.endsWith('  srv/app/app.log')),
    units: await part(unitsScript, '\n'),
    processes: await part(processesScript, '\n'),
  };
}

/** SHA-256 and name (without the first slash, latin1) of every file below these absolute paths, as the machine itself sees them. */
export async function hashesInside(vm: Vm, paths: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const { code, stdout, stderr } = await vm.sh(contentsScript(paths.map((path) => path.slice(1))));
  if (code !== 0) throw new Error(`sha256sum on the machine: ${stderr}`);
  const pairs = stdout
    .toString('latin1')
    .split('\0')
    .filter((line) => line !== '');
  return new Map(pairs.map((line) => [line.slice(66), line.slice(0, 64)]));
}

/** Lines that are in one and not in the other: `disk - …` gone, `disk + …` new. */
export function changes(before: Observed, after: Observed): readonly string[] {
  return (['disk', 'contents', 'units', 'processes'] as const).flatMap((part) => {
    const was = new Set(before[part]);
    const is = new Set(after[part]);
    return [
      ...[...was].filter((line) => !is.has(line)).map((line) => `${part} - ${line}`),
      ...[...is].filter((line) => !was.has(line)).map((line) => `${part} + ${line}`),
    ];
  });
}
