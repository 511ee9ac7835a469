import { mkdtempSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseAnswers } from '../../src/load/answers.ts';
import { parseHosts } from '../../src/load/workspace.ts';
import { type PracticeMachine, startPracticeMachine } from '../../src/practice/practice-machine.ts';
import { practiceAnswers, practiceHost, writePracticeInventory } from '../../src/practice/practice-workspace.ts';

let folder: string;
let machine: PracticeMachine;

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'practice-')));
  machine = await startPracticeMachine({ folder: join(folder, 'practice') });
});

afterAll(async () => {
  await machine.close();
  rmSync(folder, { recursive: true, force: true });
});

test('the inventory that it writes is valid and knows the machine', () => {
  writePracticeInventory(folder, machine);
  const hosts = parseHosts(readFileSync(join(folder, 'hosts.yaml')), 'hosts.yaml');
  expect(hosts).toMatchObject({
    ok: true,
    value: [
      {
        name: practiceHost,
        serial: machine.identity.serial,
        uuid: machine.identity.uuid,
        machine_id: machine.identity.machineId,
        ssh: { port: machine.ssh.port, host_keys: [machine.ssh.hostKey] },
        bmc: { kind: 'redfish', port: machine.bmc.port, tls_pin: machine.bmc.pin, guid: machine.identity.uuid },
      },
    ],
  });
});

test('the password of the BMC stands in a file for its owner only, and not in the inventory', () => {
  writePracticeInventory(folder, machine);
  const file = join(folder, 'secrets', 'bmc-password');
  expect(readFileSync(file, 'utf8')).toBe(`${machine.bmc.password}\n`);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(join(folder, 'hosts.yaml'), 'utf8')).not.toContain(machine.bmc.password);
});

test('the answers that it writes are those that a plan asks for', () => {
  const text = practiceAnswers([
    { step: 'told', form: 'confirm', items: [{ id: 'confirm', text: 'Users were told' }] },
    { step: 'unplugged', form: 'checklist', items: [{ id: 'power-a', text: 'Power A' }] },
  ]);
  expect(parseAnswers(Buffer.from(text), 'answers.yaml')).toMatchObject({
    ok: true,
    value: [
      { step: 'told', confirm: true },
      { step: 'unplugged', items: [{ id: 'power-a', done: true }] },
    ],
  });
});
