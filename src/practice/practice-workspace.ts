import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FormItem } from '../core/operation.ts';
import { newKeyPair } from './key-pair.ts';
import type { PracticeMachine } from './practice-machine.ts';

/** The name of the practice machine in its inventory. */
export const practiceHost = 'practice';

/**
 * Writes into a workspace what its makers know of the practice machine: the inventory's entry, and the BMC's password in a file of
 * its own (0600).
 */
export function writePracticeInventory(workspace: string, machine: PracticeMachine): void {
  const { identity, ssh, bmc } = machine;
  const secrets = join(workspace, 'secrets');
  mkdirSync(secrets, { recursive: true, mode: 0o700 });
  const password = join(secrets, 'bmc-password');
  writeFileSync(password, `${bmc.password}\n`, { mode: 0o600 });
  // Every JSON text is a YAML text, so quoting needs no second set of rules.
  const q = JSON.stringify;
  const lines = [
    '# yaml-language-server: $schema=schemas/hosts.schema.json',
    '# The inventory: what identity is compared with. It was written by those who made the machine, not read from it.',
    'hosts:',
    `  ${practiceHost}:`,
    `    addresses: [${q(ssh.address)}]`,
    `    serial: ${q(identity.serial)}`,
    `    uuid: ${identity.uuid}`,
    `    machine_id: ${q(identity.machineId)}`,
    '    owner: those who practise',
    '    ssh:',
    `      user: ${q(ssh.user)}`,
    `      port: ${ssh.port}`,
    `      identity_files: [${q(ssh.identityFile)}]`,
    `      host_keys: [${q(ssh.hostKey)}]`,
    '      # Whatever your own SSH configuration says of 127.0.0.1 is not meant for it.',
    '      config: none',
    '    bmc:',
    '      kind: redfish',
    `      address: ${q(bmc.address)}`,
    `      port: ${bmc.port}`,
    `      user: ${q(bmc.user)}`,
    `      password: { file: ${q(password)} }`,
    `      guid: ${identity.uuid}`,
    `      tls_pin: ${q(bmc.pin)}`,
    '',
  ];
  writeFileSync(join(workspace, 'hosts.yaml'), lines.join('\n'));
}

/** Keys of two practice persons, by their paths in the workspace: who drives the run, and who approves it. */
export const practiceKeys = { operator: 'secrets/operator', manager: 'secrets/manager' } as const;

/** Makes both keys, lists them as allowed signers, and so has logs signed. */
export function writePracticeSigners(workspace: string): void {
  mkdirSync(join(workspace, 'secrets'), { recursive: true, mode: 0o700 });
  const lines = Object.entries(practiceKeys).map(([name, file]) => {
    const pair = newKeyPair(`practice ${name}`);
    writeFileSync(join(workspace, file), pair.private, { mode: 0o600 });
    writeFileSync(join(workspace, `${file}.pub`), `${pair.public}\n`);
    return `practice-${name},role:${name} ${pair.public}\n`;
  });
  writeFileSync(join(workspace, 'allowed_signers'), lines.join(''));
  appendFileSync(join(workspace, 'decom.yaml'), 'allowed_signers: allowed_signers\n');
}

/** A question that a plan will ask. */
export interface AskedForm {
  readonly step: string;
  readonly form: 'confirm' | 'checklist';
  readonly items: readonly FormItem[];
}

/** The text of an answers file that agrees to everything, as nobody should for a real machine. */
export function practiceAnswers(forms: readonly AskedForm[]): string {
  const note = JSON.stringify('practice: nobody looked');
  const lines = ['# Answers given beforehand, for practice only: everything is agreed to unseen.', 'answers:'];
  for (const { step, form, items } of forms) {
    if (form === 'confirm') lines.push(`  ${step}: { confirm: true, note: ${note} }`);
    else {
      lines.push(`  ${step}:`, '    items:');
      for (const { id } of items) lines.push(`      ${id}: { done: true, note: ${note} }`);
    }
  }
  return `${lines.join('\n')}\n`;
}
