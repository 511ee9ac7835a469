import * as Type from 'typebox';
import { helperName } from '../core/helper.ts';
import { RecordOf } from '../core/record-of.ts';

const Text = (description: string) => Type.String({ minLength: 1, description });
const OrNull = <T extends Type.TSchema & { readonly description?: string }>(schema: T) =>
  Type.Union([schema, Type.Null()], { description: schema.description ?? '' });
const Digest = Type.String({
  pattern: '^[0-9a-f]{64}$',
  patternErrorMessage: '64 hexadecimal digits in lower case',
  description: 'SHA-256.',
});
const Instant = (description: string) =>
  Type.String({
    pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d+)?Z$',
    patternErrorMessage: 'an instant in UTC like 2026-03-01T02:00:00Z',
    description,
  });
const Milliseconds = (description: string) => Type.Integer({ minimum: 0, description });
const closed = { additionalProperties: false } as const;
const open = { additionalProperties: true } as const;

const Source = Type.Object(
  { file: Text('File of the runbook.'), sha256: Digest },
  { ...closed, description: 'A file that the runbook was read from.' },
);

/** Kinds of operations; what else an operation holds is told by its kind and read by people, so it is left open here. */
const Operation = Type.Object(
  {
    kind: Type.Enum(
      [
        'exec',
        'copy.archive',
        'copy.rsync',
        'copy.databases',
        'copy.restore',
        'scratch.remove',
        'bmc.power',
        'bmc.locate',
        'bmc.reset',
        'inventory.set',
        'network.cut',
        'network.confirm',
        'network.reopen',
        'disk.free',
        'disk.erase',
        'ask',
        'wait',
      ],
      { description: 'What kind of act it is.' },
    ),
    on: Type.String({
      pattern: '^([a-z0-9][a-z0-9-]{0,62}|\\(known after [a-z0-9][a-z0-9-]*\\))$',
      patternErrorMessage: '"host", "control" or the name of a helper',
      description: 'Where it runs: on the host, here (control), or on a helper.',
    }),
  },
  { ...open, description: 'One act upon the world.' },
);

const Except = Type.Array(Type.String(), { description: 'Dates on which it does not open.' });
const Zone = Text('IANA zone.');

const Window = Type.Union(
  [
    Type.Object(
      {
        days: Type.Array(Type.String(), { minItems: 1, description: 'Days on which it opens.' }),
        from: Text('When it opens.'),
        to: Text('When it closes.'),
        timezone: Zone,
        except: Except,
      },
      { ...closed, description: 'Hours.' },
    ),
    Type.Object(
      {
        cron: Text('When it opens, as a pattern.'),
        for: Milliseconds('How long it stays open, in milliseconds.'),
        timezone: Zone,
        except: Except,
      },
      { ...closed, description: 'A pattern with a length.' },
    ),
  ],
  { description: 'When it may be begun.' },
);

const Step = Type.Object(
  {
    id: Type.String({
      pattern: '^[a-z0-9][a-z0-9-]{0,62}$',
      patternErrorMessage: 'small letters, digits and "-"',
      description: 'Id of the step.',
    }),
    phase: Text('Id of its phase.'),
    title: Text('What it does.'),
    uses: Text('The action.'),
    with: Type.Unknown({ description: 'Its input, with references that only a run can fill.' }),
    when: OrNull(Text('Its condition (CEL).')),
    needs: Type.Array(Type.String(), { description: 'Steps that must be done and verified before.' }),
    timeout: OrNull(Milliseconds('Time limit in milliseconds.')),
    retry: OrNull(
      Type.Object(
        {
          attempts: Type.Integer({ minimum: 1, description: 'How often in all.' }),
          delay: Milliseconds('Milliseconds between attempts.'),
        },
        { ...closed, description: 'How often it is tried.' },
      ),
    ),
    on_failure: Type.Enum(['stop', 'ask', 'continue'], { description: 'What happens when it fails.' }),
    effect: Type.Enum(['none', 'adds', 'changes', 'destroys'], { description: 'What it does to the world.' }),
    reversible: Type.Boolean({ description: 'Whether a rollback takes it back.' }),
    irreversible: Type.Boolean({ description: 'Whether the serial is typed before it.' }),
    once: Type.Boolean({ description: 'Never repeated by itself when its outcome is unknown.' }),
    window: Type.Optional(Window),
    approvals: Type.Optional(
      Type.Object(
        {
          persons: Type.Integer({ minimum: 1, description: 'So many persons.' }),
          roles: Type.Array(Type.String(), { description: 'One of them in each of these roles.' }),
        },
        { ...closed, description: 'Who has to approve the plan before it begins.' },
      ),
    ),
    precondition: Type.Optional(
      Type.Object(
        {
          serial: Type.Optional(Text('Its serial.')),
          uuid: Type.Optional(Text('Its UUID.')),
          machine_id: Type.Optional(Text('Its machine-id.')),
        },
        { ...closed, description: 'What the host has to say of itself in the command that acts.' },
      ),
    ),
    operations: OrNull(Type.Array(Operation, { description: 'What would be done; null where it could not be told.' })),
  },
  { ...closed, description: 'One step.' },
);

const BoundHost = Type.Object(
  {
    name: Type.String({
      pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$',
      patternErrorMessage: 'letters, digits, ".", "_" and "-"',
      description: 'Name in the inventory.',
    }),
    fqdn: OrNull(Text('Full name.')),
    address: Text('Address for SSH.'),
    serial: Text('Serial number.'),
    uuid: OrNull(Text('DMI UUID.')),
    machine_id: OrNull(Text('/etc/machine-id.')),
    host_keys: Type.Array(Type.String(), { description: 'Expected host keys.' }),
    bmc: OrNull(
      Type.Object(
        {
          kind: Text('ipmi, redfish or command.'),
          address: Text('Its address, or the program.'),
          guid: OrNull(Text('Expected GUID.')),
        },
        { ...closed, description: 'Its management controller.' },
      ),
    ),
    asset_tag: OrNull(Text('Asset tag.')),
    owner: OrNull(Text('Owner.')),
    location: OrNull(Text('Location.')),
    sudo: Type.Boolean({ description: 'Whether sudo is used.' }),
    disks: Type.Array(Type.String(), { description: 'Serials of its disks.' }),
    entry: Type.Object({}, { ...open, description: 'The whole entry, for references.' }),
  },
  { ...closed, description: 'The host as the inventory knew it.' },
);

const Trouble = Type.Object(
  {
    code: Text('A stable name.'),
    what: Text('What is in the way, and where.'),
    fix: Text('What to do now.'),
    detail: Type.Optional(Type.String({ description: 'More of it.' })),
  },
  { ...closed, description: 'What is in the way.' },
);

/** `plan.json`, as `plan -o` writes it. The SHA-256 of the canonical JSON of `intent` is what approvals and single use bind. */
export const PlanShape = Type.Object(
  {
    format: Type.Literal(1, { description: 'Version of this format.' }),
    intent: Type.Object(
      {
        id: Type.String({
          pattern: '^[0-9a-f]{12}$',
          patternErrorMessage: '12 hexadecimal digits',
          description: 'Random id; the run gets it too.',
        }),
        created: Instant('When it was made.'),
        expires: Instant('When it may no longer be started.'),
        journal: Type.Literal(1, { description: 'Version of the audit log.' }),
        host: BoundHost,
        helpers: Type.Optional(
          RecordOf(
            helperName,
            Type.Object(
              {
                address: Text('Where it is reached.'),
                folder: Text('The only folder that is changed there.'),
                host_keys: Type.Array(Type.String(), { description: 'Expected public host keys.' }),
                ssh: RecordOf('', Type.Unknown(), { description: 'Its SSH settings, without secrets.' }),
              },
              { ...closed, description: 'A helper as the workspace declared it.' },
            ),
            { ...closed, description: 'The other machines that take part, by name.' },
          ),
        ),
        runbook: Type.Object(
          {
            name: Text('Name.'),
            title: Text('Title.'),
            sources: Type.Array(Source, { minItems: 1, description: 'Its files.' }),
          },
          { ...closed, description: 'The runbook.' },
        ),
        params: Type.Object({}, { ...open, description: 'Parameters by name.' }),
        phases: Type.Array(
          Type.Object({ phase: Text('Id.'), title: Text('Title.') }, { ...closed, description: 'One phase.' }),
          { description: 'Its phases, in order.' },
        ),
        not_kept: Type.Optional(
          Type.Array(
            Type.Object(
              { path: Text('Where it is mounted, or its device.'), why: Text('Why.'), by: Text('Who decided so.') },
              { ...closed, description: 'One file system.' },
            ),
            { minItems: 1, description: 'File systems that nothing of is kept, on purpose.' },
          ),
        ),
        steps: Type.Array(Step, { description: 'Its steps, in order.' }),
      },
      { ...closed, description: 'What the plan binds.' },
    ),
    facts: Type.Object(
      {
        observed: Instant('When the facts were seen.'),
        tool: Text('Version of decom.'),
        identity: Type.Object(
          { known: Type.Boolean({ description: 'Whether it could be asked.' }) },
          { ...open, description: 'What the machine said of itself.' },
        ),
        power: Type.Enum(['on', 'off', 'unknown'], { description: 'Power by the BMC.' }),
        steps: RecordOf(
          '^.*$',
          Type.Object(
            {
              already: Type.Boolean({ description: 'Whether nothing was left to do.' }),
              seen: Type.Unknown({ description: 'What its look brought.' }),
              remarks: Type.Optional(
                Type.Array(Type.String(), { description: 'What is worth knowing, though it stands in nobody’s way.' }),
              ),
            },
            { ...closed, description: 'One step.' },
          ),
          { description: 'What was seen, by step.' },
        ),
        blockers: Type.Array(
          Type.Object(
            { step: OrNull(Text('Id of the step.')), trouble: Trouble },
            { ...closed, description: 'One thing in the way.' },
          ),
          { description: 'What must be cleared before it can go through.' },
        ),
        survey: Type.Optional(
          Type.Object(
            { known: Type.Boolean({ description: 'Whether it could be asked.' }) },
            { ...open, description: 'What is on the host, a section each; see docs/survey.md.' },
          ),
        ),
        coverage: Type.Optional(
          Type.Object(
            { known: Type.Boolean({ description: 'Whether it could be asked.' }) },
            { ...open, description: 'How each file system with data would be kept; see docs/coverage.md.' },
          ),
        ),
        way: Type.Optional(
          Type.Array(Type.String(), {
            description: 'How the host is reached, where there is more to say than its address.',
          }),
        ),
        freezes: Type.Optional(
          Type.Array(
            Type.Object(
              { from: Instant('When it begins.'), to: Instant('When it is over.'), why: Text('Why.') },
              { ...closed, description: 'One freeze.' },
            ),
            { description: 'Freezes of the workspace that were not over yet.' },
          ),
        ),
        closed: Type.Optional(
          Type.Array(
            Type.Object(
              {
                steps: Type.Array(Type.String(), { minItems: 1, description: 'Ids of the steps.' }),
                until: Instant('From when they could be begun.'),
                why: Text('What held them.'),
              },
              { ...closed, description: 'Steps that a window or a freeze held.' },
            ),
            { description: 'Steps that could not have been begun then.' },
          ),
        ),
        borrowed: Type.Boolean({ description: 'Made on the facts of another plan: can be rehearsed, never run.' }),
      },
      { ...closed, description: 'What was seen: recorded, not bound.' },
    ),
  },
  { ...closed, title: 'decom plan', description: 'A runbook resolved for one host.' },
);
