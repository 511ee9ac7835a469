import type { LabDisk, MachineIdentity } from './qemu.ts';
import { worldScript } from './world.ts';

/** What a machine of the lab is made of; `image.ts` makes it. */
export interface Recipe {
  /** Of its folder among the images kept. */
  readonly name: string;
  /** For people: `the practice machine`. */
  readonly about: string;
  readonly identity: MachineIdentity;
  readonly include: readonly string[];
  /** Files of these packages that are not unpacked, as patterns of dpkg. */
  readonly leftOut?: readonly string[];
  /** Files of the guest, by path. */
  readonly files: { readonly [path: string]: string };
  readonly masked: readonly string[];
  readonly suite: string;
  readonly diskBytes: number;
  readonly rootSerial?: string;
  readonly disks?: readonly LabDisk[];
  readonly smbios?: readonly string[];
  /** Run inside the guest's tree before it first boots; the public key to let in lies in /root/key.pub. */
  readonly prepareScript: string;
  /** Run in the guest as root when it has booted for the first time. */
  readonly worldScript: string;
  /** The units that have to run before its memory is saved. */
  readonly calm: readonly string[];
}

export const suite = 'bookworm';

/** What every machine of the lab has in its files. */
export const commonFiles = (hostname: string): Recipe['files'] => ({
  'etc/hostname': `${hostname}\n`,
  'etc/hosts': `127.0.0.1 localhost ${hostname}\n`,
  'etc/fstab': '/dev/vda / ext4 errors=remount-ro 0 1\n',
  'etc/systemd/network/20-lab.network': '[Match]\nName=e*\n\n[Network]\nDHCP=ipv4\nLinkLocalAddressing=no\n',
  'etc/systemd/system.conf.d/lab.conf': '[Manager]\nDefaultTimeoutStopSec=15s\n',
  'etc/systemd/journald.conf.d/lab.conf': '[Journal]\nStorage=persistent\nSyncIntervalSec=1s\n',
  'etc/sudoers.d/decom': 'decom ALL=(ALL) NOPASSWD: ALL\n',
  'etc/ssh/sshd_config.d/lab.conf':
    'PermitRootLogin prohibit-password\nPasswordAuthentication no\nUseDNS no\nMaxSessions 20\n',
});

/** Work that would start by itself in the middle of a test and change the disk. */
export const commonlyMasked = [
  'apt-daily.timer',
  'apt-daily-upgrade.timer',
  'dpkg-db-backup.timer',
  'e2scrub_all.timer',
  'fstrim.timer',
  'logrotate.timer',
  'systemd-tmpfiles-clean.timer',
  'systemd-networkd-wait-online.service',
];

/** Its users, its key, and which units it has. */
export const prepareScript = (enabled: readonly string[], masked: readonly string[]): string => `
useradd --create-home --shell /bin/bash decom
for user in root decom; do
  home=$(getent passwd $user | cut -d: -f6)
  install -d -m 700 -o $user -g $user $home/.ssh
  install -m 600 -o $user -g $user /root/key.pub $home/.ssh/authorized_keys
done
rm /root/key.pub
chmod 440 /etc/sudoers.d/decom
rm -f /etc/machine-id
systemd-machine-id-setup
systemctl enable ${enabled.join(' ')}
systemctl mask ${masked.join(' ')}
mkdir -p /var/log/journal
`;

/** The machine of nearly every test: one disk, nginx and a service that writes without end. */
export const practice: Recipe = {
  name: 'debian',
  about: 'the practice machine',
  // The serial starts with a zero, as labels do and YAML forgets.
  identity: { serial: '0071E5', uuid: '6b1f4a2e-93d0-4c57-8a0e-5d2f71c0be11' },
  include: [
    'acl',
    'attr',
    'cron',
    'dbus',
    'dmidecode',
    'iproute2',
    'kmod',
    'linux-image-cloud-amd64',
    'nginx-light',
    'openssh-server',
    'procps',
    'rsync',
    'sudo',
    'systemd-sysv',
    'udev',
  ],
  files: commonFiles('practice'),
  masked: commonlyMasked,
  suite,
  diskBytes: 1_600 * 1024 * 1024,
  prepareScript: prepareScript(['systemd-networkd.service', 'ssh.service', 'nginx.service'], commonlyMasked),
  worldScript,
  calm: ['nginx', 'app'],
};
