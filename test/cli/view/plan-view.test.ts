import { expect, test } from 'vitest';
import { lookFor } from '../../../src/cli/look.ts';
import { planningWords } from '../../../src/cli/planning-words.ts';
import { planView } from '../../../src/cli/view/plan-view.ts';
import { plainLook, render } from '../../../src/cli/view/text.ts';
import type { JsonObject } from '../../../src/core/json.ts';
import type { Plan } from '../../../src/core/plan.ts';
import { clearPlan, smallPlan } from './small-plan.ts';

const now = new Date('2026-03-01T10:00:00Z');
const shown = (plan: Plan, saved?: string, given = '') =>
  render(planView(plan, { about: (uses) => `What ${uses} does.`, saved, given, now }), plainLook);

test('a plan shows whose machine it is, every step in full, what stands in the way, the totals, and the next command', () => {
  expect(shown(smallPlan)).toMatchInlineSnapshot(`
    "host         web01 (web01.example.net) at 192.0.2.10
    serial       0012345; inventory and machine agree
    UUID         a1234567-89ab-cdef-a123-456789abcdef; expected by the inventory; the machine could not say (only root may read it)
    asset tag    A-7781
    location     fra1 / H2
    BMC          ipmi at 192.0.2.110
    power        on
    observed     2026-03-01T10:00:00.000Z
    runbook      small — Retire it
    param vault  /srv/vault
    plan         3f9c1a7be204, expires 2026-03-08T10:00:00.000Z
    digest       f263c5cb3791163b8685445e29b8a3c0e52307b60ef832c1a715723c5e004abe

    phase only — The only one
      1 ✓ check    identity — Is it the one
                   identity.check; changes nothing
                   reads only: What identity.check does.
      2 ? ask      told — Tell the users
                   confirm; a person answers
                   ask: Do the users know?
      3 ~ change   stop — Stop nginx
                   service.stop; can be taken back by rollback; needs identity
                   run on the host as root: systemctl stop -- nginx.service
                   run on the host as root: systemctl disable -- nginx.service
      4 + add      copy — Copy it
                   backup.archive; only adds; rollback leaves it; at most 4 h; up to 3 attempts
                   copy /srv (read as root) from the host into /srv/vault/web01 here, as a tar archive with a manifest
      5 ! change   tidy — Remove the account
                   command.run; decom cannot take it back; never repeated by itself
                   not known yet: see the blockers
      6 ~ change   gone — Already gone
                   service.stop; can be taken back by rollback
                   already so: nothing would be done
      7 ✗ end      off — Switch it off
                   power.off; irreversible for what runs on it, so the serial is typed; rollback reverses the act itself; only when facts.power == 'on'
                   have the BMC ask the operating system to shut down

    What stands in the way
      blocked tidy, off: userdel is not on the host [no-tool]
        Install it.
      blocked copy: 12 GiB are free, 40 GiB are needed [no-room]
        df /srv/vault
        Free some.

    7 steps: 1 irreversible, 2 reversible, 1 without a way back, 1 only adding, 1 check, 1 question; 1 already so; 3 blockers
    Next: clear what stands in the way, then: decom plan web01
    "
  `);
});

test('what a blocker tells in several lines is shown as lines', () => {
  const said = 'Permission denied (publickey).\r\nkex_exchange: \u001b[2J\n';
  const [first, ...rest] = smallPlan.facts.blockers;
  if (first === undefined) throw new Error('no blocker to show');
  const trouble = { ...first.trouble, detail: said };
  const plan = { ...smallPlan, facts: { ...smallPlan.facts, blockers: [{ ...first, trouble }, ...rest] } };
  expect(shown(plan)).toContain(
    '[no-tool]\n    Permission denied (publickey).\n    kex_exchange: \\x1b[2J\n    Install it.\n',
  );
});

test('the last line is the next command', () => {
  const last = (plan: Plan, saved?: string, given?: string) => shown(plan, saved, given).trimEnd().split('\n').at(-1);
  expect(last(clearPlan)).toBe('Next: decom run web01 --dry-run, and then: decom run web01');
  expect(last(clearPlan, 'my plan.json')).toBe(
    "Saved to my plan.json. Next: decom run --plan 'my plan.json' --dry-run, and then: decom run --plan 'my plan.json'",
  );
  expect(last(smallPlan)).toBe('Next: clear what stands in the way, then: decom plan web01');
  const given = planningWords({
    runbook: 'web',
    param: ['vault=/srv', 'note=by mail'],
    params: 'p.yaml',
    facts: 'f.json',
  });
  expect(last(smallPlan, 'plan.json', given)).toBe(
    "Next: clear what stands in the way, then: decom plan web01 -r web -p vault=/srv -p 'note=by mail' --params p.yaml --facts f.json -o plan.json",
  );
  expect(last(clearPlan, undefined, ' -r web')).toBe(
    'Next: decom run web01 -r web --dry-run, and then: decom run web01 -r web',
  );
  expect(last({ ...clearPlan, facts: { ...clearPlan.facts, borrowed: true } })).toBe(
    'Made on saved facts: it can be rehearsed, never run. Next: decom run web01 --dry-run',
  );
});

test('a machine that says something else than the inventory is not overlooked', () => {
  const { identity } = smallPlan.facts;
  if (!identity.known) throw new Error('the fixture has an identity');
  const other: Plan = {
    ...clearPlan,
    facts: {
      ...clearPlan.facts,
      identity: { known: true, value: { ...identity.value, serial: { known: true, value: '9999999' } } },
    },
  };
  expect(shown(other)).toContain('serial       0012345; THE MACHINE SAYS 9999999\n');
});

test('the way to a host is told where there is more to it than an address, old algorithms above all', () => {
  const { identity } = smallPlan.facts;
  if (!identity.known) throw new Error('the fixture has an identity');
  const far: Plan = {
    ...clearPlan,
    facts: {
      ...clearPlan.facts,
      way: ['by way of ops@192.0.2.1 port 22', 'legacy SSH algorithms are allowed'],
      identity: { known: true, value: { ...identity.value, legacy: ['ssh-rsa', 'hmac-sha1'] } },
    },
  };
  expect(shown(far)).toContain(`SSH          by way of ops@192.0.2.1 port 22
SSH          legacy SSH algorithms are allowed
SSH          legacy algorithms in use: ssh-rsa, hmac-sha1
`);
});

test('how the power is reached is told, old TLS and a program of the operator’s by name', () => {
  const { host } = clearPlan.intent;
  const withBmc = (bmc: NonNullable<typeof host.bmc>, settings: JsonObject): Plan => ({
    ...clearPlan,
    intent: { ...clearPlan.intent, host: { ...host, bmc, entry: { ...host.entry, bmc: settings } } },
  });
  const old = withBmc({ kind: 'redfish', address: '192.0.2.110', guid: null }, { legacy: true });
  expect(shown(old)).toContain('BMC          redfish at 192.0.2.110, legacy: TLS 1.0 and weak ciphers are allowed\n');
  const program = withBmc({ kind: 'command', address: "./switch 'web 01'", guid: null }, {});
  expect(shown(program)).toContain("BMC          the program ./switch 'web 01'\n");
});

test('what a step saw that is worth knowing stands with it', () => {
  const [step] = clearPlan.intent.steps;
  if (step === undefined) throw new Error('the fixture has steps');
  const facts = { already: false, seen: null, remarks: ['the BMC accepts cipher suite 0. Disable it.'] };
  const noted: Plan = { ...clearPlan, facts: { ...clearPlan.facts, steps: { [step.id]: facts } } };
  expect(shown(noted)).toContain('note the BMC accepts cipher suite 0. Disable it.\n');
});

test('without colour and Unicode nothing is lost', () => {
  const ascii = render(
    planView(smallPlan, { about: () => 'What it does.', saved: undefined, given: '', now }),
    lookFor({}, { environment: { LC_ALL: 'C' }, noColor: false, accessible: false }),
  );
  expect(ascii).toMatch(/^[\x20-\x7e\n]*$/);
  const words = (text: string) => text.replace(/[^A-Za-z0-9]+/g, ' ');
  const unicode = render(
    planView(smallPlan, { about: () => 'What it does.', saved: undefined, given: '', now }),
    plainLook,
  );
  // The marks of two steps are letters in ASCII; everything else is the same word for word.
  expect(words(ascii).replaceAll(' v check ', ' check ').replaceAll(' x end ', ' end ')).toBe(words(unicode));
});

test('a name that would repaint the terminal is written out', () => {
  const hostile: Plan = {
    ...clearPlan,
    intent: { ...clearPlan.intent, host: { ...clearPlan.intent.host, owner: 'ops\u001b[2K\u202e' } },
  };
  expect(shown(hostile)).toContain('ops\\x1b[2K\\u202e');
});
