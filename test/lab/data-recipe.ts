import { dataWorldScript } from './data-world.ts';
import { commonFiles, commonlyMasked, prepareScript, type Recipe, suite } from './recipe.ts';

const masked = [
  ...commonlyMasked,
  'mdcheck_start.timer',
  'mdcheck_continue.timer',
  'mdmonitor-oneshot.timer',
  'sysstat-collect.timer',
  'sysstat-summary.timer',
  'xfs_scrub_all.timer',
  // There is no drive with SMART here, and it fails over that.
  'smartmontools.service',
  'nfs-blkmap.service',
];

const MiB = 1024 * 1024;

/** The disks of the data machine, by what is on them; `data-world.ts` puts it there. */
export const dataDisks = {
  system: 'SYS0001',
  lvm: 'LVM0001',
  mirrorA: 'RAID0001',
  mirrorB: 'RAID0002',
  /** Swap, and a file system that nobody mounts. */
  old: 'OLD0001',
  nvme: 'NVME0001',
} as const;

/** What else has a label in it. */
export const dataParts = { board: 'BOARD-17', chassis: 'CHASSIS-9', memory: 'DIMM-4711' } as const;

/** A machine whose data lies as it does on real ones: on LVM, a RAID, an NVMe drive and a disk that is forgotten; with databases and an export. */
export const dataMachine: Recipe = {
  name: 'data',
  about: 'the machine with the data',
  identity: { serial: '0071E6', uuid: '2f5c8d10-7a4b-4e93-b6de-913c0a55d7f2' },
  include: [
    ...['cron', 'dbus', 'dmidecode', 'iproute2', 'kmod', 'linux-image-amd64', 'openssh-server', 'procps', 'rsync'],
    ...['sudo', 'systemd-sysv', 'udev', 'fdisk', 'lvm2', 'mdadm', 'xfsprogs', 'e2fsprogs', 'nvme-cli', 'hdparm'],
    ...['sdparm', 'sg3-utils', 'smartmontools', 'postgresql', 'mariadb-server', 'restic', 'borgbackup'],
    ...['nfs-kernel-server', 'sysstat'],
  ],
  // Drivers of what qemu does not have, and what is for reading: two thirds of the kernel's package.
  leftOut: [
    ...['gpu', 'media', 'infiniband', 'staging', 'iio', 'isdn', 'usb/serial', 'hwmon', 'thunderbolt', 'bluetooth'],
    ...[
      'net/ethernet',
      'net/wireless',
      'net/usb',
      'net/can',
      'net/ieee802154',
      'net/wwan',
      'mtd',
      'comedi',
      'firewire',
    ],
  ]
    .map((folder) => `/lib/modules/*/kernel/drivers/${folder}/*`)
    .concat(['/lib/modules/*/kernel/sound/*', '/usr/share/doc/*', '/usr/share/man/*', '/usr/share/locale/*']),
  files: {
    ...commonFiles('filer'),
    'etc/exports': '/srv/archive 10.0.2.0/24(ro,no_subtree_check) 127.0.0.1(rw,no_subtree_check,insecure)\n',
    'etc/default/sysstat': 'ENABLED="true"\n',
    'etc/mysql/mariadb.conf.d/99-lab.cnf': '[mysqld]\ndatadir = /srv/web-pages/mysql\ninnodb_buffer_pool_size = 16M\n',
    // Mounted when it is there, and waited for by nobody: it is plugged into a machine that is running already.
    'etc/udev/rules.d/90-fast.rules': 'ENV{ID_FS_LABEL}=="fast", ENV{SYSTEMD_WANTS}+="srv-fast.mount"\n',
  },
  masked,
  suite,
  diskBytes: 2_600 * MiB,
  rootSerial: dataDisks.system,
  disks: [
    { serial: dataDisks.lvm, bus: 'virtio', bytes: 640 * MiB },
    { serial: dataDisks.mirrorA, bus: 'virtio', bytes: 64 * MiB },
    { serial: dataDisks.mirrorB, bus: 'sata', bytes: 64 * MiB, wwn: '0x5000c500a1b2c3d4' },
    { serial: dataDisks.old, bus: 'virtio', bytes: 96 * MiB },
    { serial: dataDisks.nvme, bus: 'nvme', bytes: 64 * MiB },
  ],
  smbios: [
    `type=2,manufacturer=decom,product=board,serial=${dataParts.board}`,
    `type=3,manufacturer=decom,serial=${dataParts.chassis}`,
    `type=17,manufacturer=decom,part=DDR,serial=${dataParts.memory}`,
  ],
  prepareScript: `${prepareScript(['systemd-networkd.service', 'ssh.service', 'nfs-server.service'], masked)}
systemctl disable postgresql.service mariadb.service
sed -i "s|^data_directory = .*|data_directory = '/srv/db/postgresql'|" /etc/postgresql/15/main/postgresql.conf
`,
  worldScript: dataWorldScript,
  calm: ['postgresql@15-main', 'mariadb', 'nfs-server', 'ssh'],
};
