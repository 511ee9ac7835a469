import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { type RedfishBmc, startRedfishBmc } from '../../src/practice/redfish/redfish-bmc.ts';
import { type Bench, bench } from '../faults/bench.ts';
import { type BusyboxHost, startBusyboxHost } from './busybox-host.ts';

/** A host of BusyBox alone with a BMC, in a workspace as `old01`. */
export interface OldWorkspace {
  readonly host: BusyboxHost;
  readonly b: Bench;
  close(): Promise<void>;
}

export const serial = '0071E5';

interface OldOptions {
  /** Programs of this computer that it has as well. */
  readonly programs?: readonly string[];
  /** Told when its BMC is asked for the power. */
  readonly asked?: (workspace: Pick<OldWorkspace, 'host' | 'b'>) => void;
}

/** `sshd`: lines of its sshd's configuration. */
export async function oldWorkspace(
  sshd: readonly string[] = [],
  { programs = [], asked = () => undefined }: OldOptions = {},
): Promise<OldWorkspace> {
  const uuid = '0f54be2c-7d2a-4d1e-9c55-1f6a30c2b7a9';
  const password = 'correct-horse';
  const host = await startBusyboxHost([], { serial, uuid }, sshd, programs);
  const b = bench();
  const power = {
    ...host.power,
    get: () => {
      asked({ host, b });
      return host.power.get();
    },
  };
  const bmc: RedfishBmc = await startRedfishBmc({ serial, uuid, user: 'admin', password, power });
  b.write('secrets/bmc', `${password}\n`);
  chmodSync(join(b.folder, 'secrets/bmc'), 0o600);
  b.write(
    'hosts.yaml',
    `hosts:
  old01:
    addresses: [127.0.0.1]
    serial: "${serial}"
    uuid: ${uuid}
    ssh: { user: root, port: ${host.port}, identity_files: [${host.userKey}], host_keys: ["${host.hostKeys[0]}"], config: none }
    bmc: { kind: redfish, address: 127.0.0.1, port: ${bmc.port}, user: admin, password: { file: ${b.folder}/secrets/bmc }, guid: ${uuid}, tls_pin: "${bmc.pin}" }
`,
  );
  return {
    host,
    b,
    close: async () => {
      await bmc.close();
      await host.stop();
      b.remove();
    },
  };
}

/** Who it is, an act that may happen once, stop, copy, proof, a question, off, retired. */
export const oldJob = (vault: string): string => `decom: 1
name: retire
title: Retire an old machine
not_kept:
  - { path: /, why: the system is installed anew, by: the test }
phases:
  - phase: all
    title: All of it
    steps:
      - { id: identity, title: Who it is, uses: identity.check }
      - { id: bmc, title: Its power, uses: power.status, with: { expect: "on" } }
      - id: mark
        title: Leave a mark, once
        uses: command.run
        with:
          shell: 'echo mark >> /srv/mark'
          probe: { argv: [test, -s, /srv/mark], within: 30s }
          root: true
      - { id: unused, title: Nobody uses it, uses: use.check, with: { watch: 2s } }
      - { id: stop, title: Stop, uses: service.stop, with: { unit: app.service }, needs: [identity] }
      - { id: archive, title: Copy, uses: backup.archive, with: { from: [/srv, /etc], to: ${JSON.stringify(vault)} }, needs: [stop] }
      - { id: proof, title: Prove, uses: restore.verify, with: { backup: "\${{ steps.archive.backup }}" } }
      - { id: agreed, title: Ask, uses: confirm, with: { question: May it be switched off? } }
      - { id: off, title: Off, uses: power.off, with: { grace: 1m }, needs: [proof, agreed] }
      - { id: retired, title: Retired, uses: inventory.retire, needs: ["off"] }
`;
