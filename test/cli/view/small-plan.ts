import type { Plan, PlannedStep } from '../../../src/core/plan.ts';
import { seen, trouble, unseen } from '../../../src/core/result.ts';

const step = (id: string, given: Partial<PlannedStep>): PlannedStep => ({
  id,
  phase: 'only',
  title: id,
  uses: 'command.run',
  with: {},
  when: null,
  needs: [],
  timeout: null,
  retry: null,
  on_failure: 'stop',
  effect: 'changes',
  reversible: false,
  irreversible: false,
  once: false,
  operations: [],
  ...given,
});

/** A plan with one step of every class, and blockers of two kinds. */
export const smallPlan: Plan = {
  format: 1,
  intent: {
    id: '3f9c1a7be204',
    created: '2026-03-01T10:00:00.000Z',
    expires: '2026-03-08T10:00:00.000Z',
    journal: 1,
    host: {
      name: 'web01',
      fqdn: 'web01.example.net',
      address: '192.0.2.10',
      serial: '0012345',
      uuid: 'a1234567-89ab-cdef-a123-456789abcdef',
      machine_id: null,
      host_keys: [],
      bmc: { kind: 'ipmi', address: '192.0.2.110', guid: null },
      asset_tag: 'A-7781',
      owner: null,
      location: 'fra1 / H2',
      sudo: true,
      disks: [],
      entry: {},
    },
    runbook: { name: 'small', title: 'Retire it', sources: [] },
    params: { vault: '/srv/vault' },
    phases: [{ phase: 'only', title: 'The only one' }],
    steps: [
      step('identity', { title: 'Is it the one', uses: 'identity.check', effect: 'none' }),
      step('told', {
        title: 'Tell the users',
        uses: 'confirm',
        effect: 'none',
        operations: [
          {
            kind: 'ask',
            on: 'control',
            form: 'confirm',
            title: 'Do the users know?',
            items: [{ id: 'confirm', text: 'Do the users know?' }],
          },
        ],
      }),
      step('stop', {
        title: 'Stop nginx',
        uses: 'service.stop',
        reversible: true,
        needs: ['identity'],
        operations: [
          { kind: 'exec', on: 'host', argv: ['systemctl', 'stop', '--', 'nginx.service'], root: true },
          { kind: 'exec', on: 'host', argv: ['systemctl', 'disable', '--', 'nginx.service'], root: true },
        ],
      }),
      step('copy', {
        title: 'Copy it',
        uses: 'backup.archive',
        effect: 'adds',
        timeout: 14_400_000,
        retry: { attempts: 3, delay: 1000 },
        operations: [
          { kind: 'copy.archive', on: 'control', from: ['/srv'], exclude: [], to: '/srv/vault/web01', root: true },
        ],
      }),
      step('tidy', { title: 'Remove the account', once: true, operations: null }),
      step('gone', { title: 'Already gone', reversible: true, uses: 'service.stop' }),
      step('off', {
        title: 'Switch it off',
        uses: 'power.off',
        reversible: true,
        irreversible: true,
        when: "facts.power == 'on'",
        operations: [{ kind: 'bmc.power', on: 'control', want: 'off', how: 'soft' }],
      }),
    ],
  },
  facts: {
    observed: '2026-03-01T10:00:00.000Z',
    tool: '0.1.0',
    identity: seen({
      serial: seen('0012345'),
      uuid: unseen(trouble('needs-root', 'only root may read it', 'Set "sudo: true".')),
      machine_id: seen('0123456789abcdef0123456789abcdef'),
      boot_id: seen('b'),
      host_key: seen('ssh-ed25519 AAAA'),
    }),
    power: 'on',
    steps: { gone: { already: true, seen: null } },
    blockers: [
      { step: 'tidy', trouble: trouble('no-tool', 'userdel is not on the host', 'Install it.') },
      {
        step: 'copy',
        trouble: trouble('no-room', '12 GiB are free, 40 GiB are needed', 'Free some.', 'df /srv/vault'),
      },
      { step: 'off', trouble: trouble('no-tool', 'userdel is not on the host', 'Install it.') },
    ],
    borrowed: false,
  },
};

/** The same without blockers. */
export const clearPlan: Plan = { ...smallPlan, facts: { ...smallPlan.facts, blockers: [] } };
