import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** What the lab needs beyond Node: a Debian package and a program that tells whether it is there. */
export interface LabPackage {
  readonly name: string;
  readonly program: string;
}

/** The one list of what the lab installs. */
export const labPackages: readonly LabPackage[] = [
  { name: 'openssh-server', program: 'sshd' },
  { name: 'openssh-client', program: 'ssh' },
  { name: 'ipmitool', program: 'ipmitool' },
  { name: 'openipmi', program: 'ipmi_sim' },
  { name: 'rsync', program: 'rsync' },
  { name: 'sudo', program: 'sudo' },
  { name: 'procps', program: 'ps' },
  { name: 'qemu-system-x86', program: 'qemu-system-x86_64' },
  { name: 'qemu-utils', program: 'qemu-img' },
  { name: 'mmdebstrap', program: 'mmdebstrap' },
  { name: 'e2fsprogs', program: 'mke2fs' },
  { name: 'mtree-netbsd', program: 'mtree' },
  { name: 'acl', program: 'getfacl' },
  { name: 'attr', program: 'getfattr' },
  { name: 'strace', program: 'strace' },
  { name: 'tmux', program: 'tmux' },
  { name: 'openssl', program: 'openssl' },
  { name: 'util-linux', program: 'setpriv' },
  { name: 'fish', program: 'fish' },
  { name: 'tcsh', program: 'tcsh' },
  { name: 'busybox-static', program: 'busybox' },
  { name: 'nftables', program: 'nft' },
  { name: 'iptables', program: 'xtables-nft-multi' },
  { name: 'iproute2', program: 'ip' },
  { name: 'faketime', program: 'faketime' },
  { name: 'softhsm2', program: 'softhsm2-util' },
  { name: 'krb5-kdc', program: 'krb5kdc' },
  { name: 'krb5-admin-server', program: 'kadmin.local' },
  { name: 'krb5-user', program: 'kinit' },
  { name: 'git', program: 'git' },
  { name: 'bsdutils', program: 'logger' },
  { name: 'postgresql', program: 'pg_ctlcluster' },
];

/** The packages whose program is on no folder of the PATH, nor among the system's own. */
export const missingPackages = (path = process.env.PATH ?? ''): readonly LabPackage[] =>
  labPackages.filter(({ program }) => !onPath(program, path));

/** The command that installs them. */
export const installCommand = (packages: readonly LabPackage[]): string =>
  `apt-get install -y --no-install-recommends ${packages.map(({ name }) => name).join(' ')}`;

function onPath(program: string, path: string): boolean {
  const folders = [...path.split(delimiter).filter((folder) => folder !== ''), '/usr/sbin', '/sbin'];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
