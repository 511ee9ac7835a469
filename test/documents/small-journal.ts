import type { Event, Recorded } from '../../src/core/event.ts';
import type { Evidence, Finding } from '../../src/core/evidence.ts';
import type { Operation } from '../../src/core/operation.ts';
import type { Plan, PlannedStep } from '../../src/core/plan.ts';
import { trouble } from '../../src/core/result.ts';

const step = (
  id: string,
  phase: string,
  title: string,
  uses: string,
  more: Partial<PlannedStep> = {},
): PlannedStep => ({
  id,
  phase,
  title,
  uses,
  with: {},
  when: null,
  needs: [],
  timeout: null,
  retry: null,
  on_failure: 'stop',
  effect: 'none',
  reversible: false,
  irreversible: false,
  once: false,
  operations: [],
  ...more,
});

/** A short plan of which every part of a report can say something. */
export const plan: Plan = {
  format: 1,
  intent: {
    id: 'p1',
    created: '2026-03-01T09:00:00.000Z',
    expires: '2026-03-08T09:00:00.000Z',
    journal: 1,
    host: {
      name: 'web01',
      fqdn: 'web01.example.net',
      address: '192.0.2.10',
      serial: '0012345',
      uuid: 'a1234567-89ab-cdef-a123-456789abcdef',
      machine_id: null,
      host_keys: ['ssh-ed25519 AAAAgood'],
      bmc: { kind: 'ipmi', address: '192.0.2.110', guid: null },
      asset_tag: null,
      owner: 'web team',
      location: 'fra1 / H2 / R12 / U17',
      sudo: true,
      disks: [],
      entry: {},
    },
    runbook: { name: 'linux-server', title: 'Retire a Linux server', sources: [] },
    params: {},
    phases: [
      { phase: 'moment', title: '1. The moment' },
      { phase: 'shutdown', title: '4. Shutdown' },
      { phase: 'empty', title: 'A phase without steps' },
    ],
    steps: [
      step('identity', 'moment', 'Check the identity', 'identity.check'),
      step('told', 'moment', 'Tell everyone', 'checklist'),
      step('window', 'moment', 'Choose the hour', 'confirm'),
      step('stop', 'shutdown', 'Stop the services', 'service.stop', { effect: 'changes', reversible: true }),
      step('copy', 'shutdown', 'Take the last copy', 'backup.archive', { effect: 'adds' }),
      step('proof', 'shutdown', 'Prove it', 'restore.verify', { effect: 'adds' }),
      step('tidy', 'shutdown', 'Remove the account', 'command.run', { effect: 'changes', once: true }),
      step('off', 'shutdown', 'Switch it off', 'power.off', {
        effect: 'changes',
        reversible: true,
        irreversible: true,
      }),
      step('later', 'shutdown', 'Look again', 'power.status'),
    ],
  },
  facts: {
    observed: '2026-03-01T09:00:00.000Z',
    tool: '0.1.0',
    identity: { known: false, trouble: trouble('none', 'not asked', 'Ask.') },
    power: 'on',
    steps: {},
    blockers: [],
    borrowed: false,
  },
};

const evidence = (id: string, at: string, finding: Finding): Evidence => ({
  ...finding,
  step: id,
  at,
  host_serial: '0012345',
  boot: 'boot-1',
});

/** Numbers events and spaces them by the seconds that each says it took since the one before. */
export function journal(lines: readonly (readonly [seconds: number, event: Event])[]): readonly Recorded[] {
  let now = Date.parse('2026-03-01T10:00:00.000Z');
  return lines.map(([seconds, event], seq) => {
    now += seconds * 1000;
    return { v: 1, seq, ts: new Date(now).toISOString(), ...event };
  });
}

const forth = (id: string) => ({ step: id, direction: 'forth' }) as const;
const started = (id: string, attempt = 1): Event => ({ ...forth(id), type: 'step.started', attempt });
const verified = (id: string, said: string, more: object = {}, attempt = 1): Event => ({
  ...forth(id),
  type: 'step.verified',
  attempt,
  already: false,
  output: {},
  evidence: [],
  said,
  ...more,
});
const intended = (id: string, operation: Operation, attempt = 1): Event => ({
  ...forth(id),
  type: 'operation.intended',
  attempt,
  n: 0,
  operation,
});
const done = (id: string, receipt = {}, attempt = 1): Event => ({
  ...forth(id),
  type: 'operation.done',
  attempt,
  n: 0,
  receipt,
});

const stop: Operation = {
  kind: 'exec',
  on: 'host',
  argv: ['systemctl', '--no-ask-password', 'stop', '--', 'nginx.service'],
  root: true,
};
const archive: Operation = {
  kind: 'copy.archive',
  on: 'control',
  from: ['/srv'],
  exclude: [],
  to: '/vault/web01/p1-copy',
  root: true,
};
const userdel: Operation = { kind: 'exec', on: 'host', argv: ['userdel', 'deploy'], root: true };
const soft: Operation = { kind: 'bmc.power', on: 'control', want: 'off', how: 'soft' };

export interface Words {
  /** Put wherever a run records text that somebody else wrote. */
  readonly text: string;
}

/** A run in which something of everything happens. */
export const lines = (words: Words = { text: 'by mail' }): readonly (readonly [number, Event])[] => [
  [0, { type: 'session.opened', operator: 'anna', control: 'desk7', pid: 1, tool: '0.1.0', unattended: false }],
  [
    0,
    {
      type: 'run.opened',
      run: 'r1',
      rehearsal: false,
      host: 'web01',
      serial: '0012345',
      plan: 'p1',
      intent: 'ab'.repeat(32),
      runbook: 'linux-server',
      ticket: 'OPS-7',
      reason: words.text,
      responsible: null,
    },
  ],
  [1, started('identity')],
  [
    2,
    verified('identity', 'serial agrees; uuid agrees; host key agrees', {
      evidence: [
        evidence('identity', '2026-03-01T10:00:03.000Z', {
          kind: 'identity.confirmed',
          sources: ['serial', 'uuid', 'host key'],
          boot_id: 'boot-1',
        }),
      ],
    }),
  ],
  [0, started('told')],
  [
    0,
    intended('told', {
      kind: 'ask',
      on: 'control',
      form: 'checklist',
      title: 'Everyone concerned',
      items: [
        { id: 'users', text: 'The users' },
        { id: 'partners', text: 'The partners' },
      ],
    }),
  ],
  [600, done('told', { by: 'anna', items: [{ id: 'users', done: true, note: words.text }] })],
  [
    0,
    {
      ...forth('told'),
      type: 'step.failed',
      attempt: 1,
      trouble: trouble('not-all-done', '1 of 2 not done: The partners', 'Do them.'),
    },
  ],
  [3600, started('told', 2)],
  [
    0,
    intended(
      'told',
      {
        kind: 'ask',
        on: 'control',
        form: 'checklist',
        title: 'Everyone concerned',
        items: [
          { id: 'users', text: 'The users' },
          { id: 'partners', text: 'The partners' },
        ],
      },
      2,
    ),
  ],
  [
    60,
    done(
      'told',
      {
        by: 'anna',
        items: [
          { id: 'users', done: true, note: '' },
          { id: 'partners', done: true, note: 'by phone' },
        ],
      },
      2,
    ),
  ],
  [0, verified('told', 'all 2 done, says anna', {}, 2)],
  [0, started('window')],
  [5, { ...forth('window'), type: 'step.skipped', by: 'person', who: 'anna', reason: words.text }],
  [0, started('stop')],
  [20, { ...forth('stop'), type: 'step.agreed', by: 'anna', how: 'asked', typed: null }],
  [0, intended('stop', stop)],
  [3, done('stop')],
  [
    1,
    verified('stop', 'nginx.service stopped', {
      evidence: [evidence('stop', '2026-03-01T11:11:32.000Z', { kind: 'writers.stopped', units: ['nginx.service'] })],
    }),
  ],
  [0, started('copy')],
  [0, intended('copy', archive)],
  [120, done('copy', { bytes: 1_050_000 })],
  [
    1,
    verified('copy', '12 files', {
      output: { backup: '/vault/web01/p1-copy', files: 12, bytes: 1_050_000, manifest: 'cd'.repeat(32) },
    }),
  ],
  [0, started('proof')],
  [
    60,
    verified('proof', '12 files restored and equal', {
      evidence: [
        evidence('proof', '2026-03-01T11:14:33.000Z', {
          kind: 'restore.proven',
          copy: '/vault/web01/p1-copy',
          paths: ['/srv'],
          attributes: [
            { attribute: 'hash', proven: true },
            { attribute: 'owner', proven: false, why: 'restored without root' },
            { attribute: 'acl', proven: false },
          ],
          level: 'restored',
          sampled: false,
          manifest_started: '2026-03-01T11:11:40.000Z',
        }),
      ],
    }),
  ],
  [0, started('tidy')],
  [0, intended('tidy', userdel)],
  [
    10,
    {
      ...forth('tidy'),
      type: 'operation.in-doubt',
      attempt: 1,
      n: 0,
      trouble: trouble('connection-lost', 'the connection was lost while it ran', 'Look on the host.', words.text),
    },
  ],
  [0, { type: 'run.stopped', by: 'doubt', who: null, reason: 'an operation is in doubt' }],
  [0, { type: 'session.closed', why: 'doubt', exit: 5 }],
  [300, { type: 'session.opened', operator: 'bert', control: 'desk8', pid: 2, tool: '0.1.0', unattended: false }],
  [
    0,
    {
      ...forth('tidy'),
      type: 'operation.resolved',
      attempt: 1,
      n: 0,
      outcome: 'done',
      by: 'person',
      who: 'bert',
      reason: words.text,
    },
  ],
  [1, verified('tidy', 'confirmed by: getent passwd deploy')],
  [0, started('off')],
  [30, { ...forth('off'), type: 'step.agreed', by: 'bert', how: 'typed', typed: '0012345' }],
  [0, intended('off', soft)],
  [2, done('off')],
  [
    40,
    verified('off', 'off in 3 readings of the BMC, and the host no longer answers', {
      evidence: [evidence('off', '2026-03-01T11:20:56.000Z', { kind: 'power.is-off' })],
    }),
  ],
  [0, started('later')],
  [
    1,
    {
      ...forth('later'),
      type: 'step.verified',
      attempt: 1,
      already: true,
      output: {},
      evidence: [],
      said: 'power off',
    },
  ],
  [0, { type: 'run.closed', outcome: 'done', by: 'bert', reason: null }],
  [0, { type: 'session.closed', why: 'done', exit: 0 }],
];
