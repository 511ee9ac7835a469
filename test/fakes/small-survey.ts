import { seen, trouble, unseen } from '../../src/core/result.ts';
import type { Listed, Survey } from '../../src/core/survey.ts';

const list = <T>(...rows: readonly T[]): Listed<T> => ({ rows, total: rows.length });

/** What a small host says of itself: two sections are unknown to it. */
export const smallSurvey = ({
  serial,
  uuid,
  machineId,
  bootId,
  services,
}: {
  readonly serial: string;
  readonly uuid: string;
  readonly machineId: string;
  readonly bootId: string;
  readonly services: { readonly [unit: string]: { readonly active: boolean; readonly enabled: boolean } };
}): Survey => ({
  root: true,
  identity: seen({
    serial: seen(serial),
    uuid: seen(uuid),
    machine_id: seen(machineId),
    boot_id: seen(bootId),
    vendor: seen('Fake'),
    product: seen('F1'),
  }),
  os: seen({
    ...{ hostname: 'web01', id: 'debian', name: 'Debian GNU/Linux 12 (bookworm)', version: '12' },
    ...{ kernel: 'Linux 6.1.0 x86_64', uptime: 86_400, init: 'systemd' as const },
  }),
  services: seen(
    list(
      ...Object.entries(services).map(([unit, { active, enabled }]) => ({
        ...{
          unit,
          running: active ? ('yes' as const) : ('no' as const),
          enabled: enabled ? ('yes' as const) : ('no' as const),
        },
        about: '',
      })),
    ),
  ),
  listeners: seen(
    list({ proto: 'tcp' as const, at: { address: '0.0.0.0', port: 22 }, process: { name: 'sshd', pid: 7 } }),
  ),
  connections: seen(
    list({
      ...{
        proto: 'tcp' as const,
        local: { address: '192.0.2.10', port: 22 },
        peer: { address: '192.0.2.1', port: 40_000 },
      },
      ...{ incoming: true, inside: false, process: { name: 'sshd', pid: 8 }, own: true },
    }),
  ),
  sessions: seen(list()),
  last_logins: seen(list()),
  timers: seen(list()),
  cron: seen(list()),
  mounts: seen(
    list({ source: '/dev/sda1', target: '/', type: 'ext4', size: 1_000_000_000, used: 500_000_000, remote: false }),
  ),
  exports: seen(list()),
  disks: seen(
    list({
      ...{ device: '/dev/sda', kind: 'disk' as const, serial: 'D-1', wwn: null, model: 'Fake', size: 1_000_000_000 },
      ...{ transport: 'sata', rotational: false, member_of: [] },
    }),
  ),
  databases: seen(list()),
  guests: seen(list()),
  roles: seen(list()),
  addresses: seen(list({ interface: 'eth0', address: '192.0.2.10/24', mac: null, up: true })),
  routes: seen(list({ to: 'default', via: '192.0.2.1', interface: 'eth0' })),
  parts: unseen(trouble('no-dmidecode', 'web01 has no dmidecode, which tells its parts', 'Install dmidecode there.')),
  load: seen({
    now: [0.1, 0.1, 0.1],
    processors: 2,
    memory: { total: 2_000_000_000, available: 1_000_000_000 },
    history: unseen(trouble('no-sysstat', 'web01 keeps no history of its load', 'Watch it for a while.')),
  }),
});
