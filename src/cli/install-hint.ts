import { readFileSync } from 'node:fs';

/** Names of a package in the package managers where they differ from its Debian name. */
export interface PackageNames {
  readonly apt: string;
  readonly dnf?: string;
  readonly brew?: string;
}

type Manager = 'apt' | 'dnf' | 'zypper' | 'apk' | 'brew' | undefined;

/** How to install a package on this machine, as a command that can be pasted. */
export function installHint(names: PackageNames, manager: Manager = packageManager()): string {
  switch (manager) {
    case 'apt':
      return `Install it: sudo apt-get install -y ${names.apt}`;
    case 'dnf':
      return `Install it: sudo dnf install -y ${names.dnf ?? names.apt}`;
    case 'zypper':
      return `Install it: sudo zypper install -y ${names.dnf ?? names.apt}`;
    case 'apk':
      return `Install it: sudo apk add ${names.apt}`;
    case 'brew':
      return `Install it: brew install ${names.brew ?? names.apt}`;
    case undefined:
      return `Install the package ${names.apt} (its Debian name).`;
  }
}

function packageManager(): Manager {
  if (process.platform === 'darwin') return 'brew';
  let release: string;
  try {
    release = readFileSync('/etc/os-release', 'utf8');
  } catch {
    return undefined;
  }
  const words = [...release.matchAll(/^(?:ID|ID_LIKE)="?([^"\n]*)"?$/gm)].flatMap((match) =>
    (match[1] ?? '').split(' '),
  );
  if (words.some((word) => ['debian', 'ubuntu'].includes(word))) return 'apt';
  if (words.some((word) => ['fedora', 'rhel', 'centos'].includes(word))) return 'dnf';
  if (words.some((word) => ['suse', 'opensuse'].includes(word))) return 'zypper';
  return words.includes('alpine') ? 'apk' : undefined;
}
