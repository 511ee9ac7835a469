import * as Type from 'typebox';
import { describe, expect, it } from 'vitest';
import type { AnyAction } from '../../src/core/action.ts';
import { diagnosticText } from '../../src/core/diagnostic.ts';
import { sha256 } from '../../src/core/json.ts';
import { fail, ok, trouble } from '../../src/core/result.ts';
import { loadRunbook } from '../../src/load/load-runbook.ts';

const closed = { additionalProperties: false };
const nothing: Omit<AnyAction, 'kind' | 'once' | 'input'> = {
  about: 'Does a thing.',
  effect: 'changes',
  irreversible: false,
  inspect: async () => null,
  plan: () => [],
  verify: () => ({ ok: true, output: {}, evidence: [], said: '' }),
};
const actions: readonly AnyAction[] = [
  {
    ...nothing,
    kind: 'service.stop',
    once: false,
    input: Type.Object(
      {
        units: Type.Array(Type.String({ minLength: 1 }), { minItems: 1, description: 'The units.' }),
        disable: Type.Optional(Type.Boolean()),
        tries: Type.Optional(Type.Integer({ minimum: 1, maximum: 9 })),
        mode: Type.Optional(Type.Enum(['soft', 'hard'])),
        within: Type.Optional(Type.String({ pattern: '^[1-9][0-9]{0,8}(ms|s|m|h|d|w)$' })),
      },
      closed,
    ),
    output: Type.Object({ units: Type.Array(Type.String()), count: Type.Integer() }),
    check: (input) => {
      const { tries = 1, mode } = input as { tries?: number; mode?: string };
      return mode === 'hard' && tries > 1 ? '"hard" is tried only once' : undefined;
    },
  },
  {
    ...nothing,
    kind: 'command.run',
    once: true,
    input: Type.Object(
      {
        argv: Type.Array(Type.String(), { minItems: 1, description: 'The program and its arguments.' }),
        password: Type.Optional(Type.Object({ env: Type.Optional(Type.String()) }, closed)),
        probe: Type.Optional(
          Type.Union([
            Type.Object({ argv: Type.Array(Type.String()) }, closed),
            Type.Object({ file: Type.String() }, closed),
          ]),
        ),
      },
      closed,
    ),
  },
];

const reading = (files: { readonly [name: string]: string }) => (file: string) => {
  const text = files[file];
  return text === undefined
    ? fail(trouble('no-file', `there is no file ${file}`, 'Correct the name.'))
    : ok(new TextEncoder().encode(text));
};
const load = (files: { readonly [name: string]: string }) =>
  loadRunbook('r/main.yaml', reading(files), actions, {
    checkWhen: (expression) => (expression.includes('?') ? 'Unexpected character: ?' : undefined),
  });
const complaints = (main: string, more: { readonly [name: string]: string } = {}): readonly string[] => {
  const result = load({ 'r/main.yaml': main, ...more });
  return result.ok ? [] : result.error.map(diagnosticText);
};
/** A runbook around steps, which begin at line 6 with their dash in column 5. */
const around = (steps: string, head = 'params: { n: { type: integer, default: 1 } }') =>
  `decom: 1\nname: r\n${head}\nphases:\n- phase: p\n  steps:\n${steps}`;
const inSteps = (steps: string): readonly string[] => complaints(around(steps));

describe('a runbook', () => {
  it('is composed of its own phases and those of other files', () => {
    const main = `decom: 1
name: linux
title: Retire a server
params:
  vault: { type: string, required: true, description: where to }
  units: { type: list, default: [a.service, b.service] }
  serial: { type: string, default: 0012345 }
  pw: { type: secret, default: env:PW }
phases:
  - use: phases/./one.yaml
  - phase: two
    title: The end
    steps:
      - id: b
        title: By hand
        uses: command.run
        with: { argv: [x, "\${{ params.vault }}/y", "\${{ steps.a.count }}"], password: "\${{ params.pw }}" }
        needs: [a]
        when: facts.power == 'on'
        timeout: 4h
        on_failure: ask
`;
    const one =
      'phase: one\nsteps:\n  - id: a\n    uses: service.stop\n    with: { units: "${{ params.units }}", tries: 3 }\n    retry: { attempts: 3, delay: 30s }\n';
    const result = load({ 'r/main.yaml': main, 'r/phases/one.yaml': one });
    expect(result).toEqual({
      ok: true,
      value: {
        name: 'linux',
        title: 'Retire a server',
        params: {
          vault: {
            type: 'string',
            description: 'where to',
            required: true,
            place: { file: 'r/main.yaml', line: 5, column: 3 },
          },
          units: {
            type: 'list',
            required: false,
            default: ['a.service', 'b.service'],
            place: { file: 'r/main.yaml', line: 6, column: 3 },
          },
          serial: {
            type: 'string',
            required: false,
            default: '0012345',
            place: { file: 'r/main.yaml', line: 7, column: 3 },
          },
          pw: {
            type: 'secret',
            required: false,
            default: { env: 'PW' },
            place: { file: 'r/main.yaml', line: 8, column: 3 },
          },
        },
        phases: [
          {
            phase: 'one',
            title: 'one',
            steps: [
              {
                id: 'a',
                phase: 'one',
                title: 'Does a thing.',
                uses: 'service.stop',
                with: { units: '${{ params.units }}', tries: '3' },
                needs: [],
                retry: { attempts: 3, delay: 30_000 },
                on_failure: 'stop',
                place: { file: 'r/phases/one.yaml', line: 3, column: 5 },
              },
            ],
          },
          {
            phase: 'two',
            title: 'The end',
            steps: [
              {
                id: 'b',
                phase: 'two',
                title: 'By hand',
                uses: 'command.run',
                with: {
                  argv: ['x', '${{ params.vault }}/y', '${{ steps.a.count }}'],
                  password: '${{ params.pw }}',
                },
                when: "facts.power == 'on'",
                needs: ['a'],
                timeout: 14_400_000,
                on_failure: 'ask',
                place: { file: 'r/main.yaml', line: 14, column: 9 },
              },
            ],
          },
        ],
        sources: [
          { file: 'r/main.yaml', sha256: sha256(main) },
          { file: 'r/phases/one.yaml', sha256: sha256(one) },
        ],
      },
    });
  });

  it('tells every problem at once, file by file and top to bottom', () => {
    const main = `decom: 2
name: Bad Name
parms: {}
phases:
  - use: phases/one.yaml
  - phase: two
    steps:
      - { id: a, uses: service.stopp, with: { units: [x] } }
`;
    const one =
      'phase: one\nsteps:\n  - id: a\n    uses: service.stop\n    with: { units: [] , disabel: yes }\n    neds: [b]\n';
    expect(complaints(main, { 'r/phases/one.yaml': one })).toEqual([
      'r/main.yaml:1:8  "decom" must be 1, and is 2. Correct it.',
      'r/main.yaml:2:7  "name" must be lower-case letters, digits and "-" (at most 63, the first no "-"), and is "Bad Name". Correct it.',
      'r/main.yaml:3:1  unknown key "parms". Did you mean "params"?',
      'r/main.yaml:8:15  step "a": the id is taken by the step at r/phases/one.yaml:3:9. Give one of them another id.',
      'r/main.yaml:8:24  step "a": unknown action "service.stopp". Did you mean "service.stop"?',
      'r/phases/one.yaml:5:20  step "a": "with.units" is an empty list, and empty never means all. Name at least one.',
      'r/phases/one.yaml:5:25  step "a": unknown key "disabel" in "with". Did you mean "disable"?',
      'r/phases/one.yaml:6:5  step "a": unknown key "neds". Did you mean "needs"?',
    ]);
  });

  it.each<[string, string, readonly string[]]>([
    [
      'is a list',
      '- a\n',
      [
        'r/main.yaml:1:1  it must be a mapping, and is a list. It takes: decom, name, title, params, window, not_kept, phases.',
      ],
    ],
    [
      'lacks its parts',
      'decom: 1\n',
      [
        'r/main.yaml:1:1  "name" is missing. Add it: The name of the runbook.',
        'r/main.yaml:1:1  "phases" is missing. Add it: The phases, in order.',
      ],
    ],
    [
      'has no phases',
      'decom: 1\nname: r\nphases: []\n',
      ['r/main.yaml:3:9  "phases" is an empty list, and empty never means all. Name at least one.'],
    ],
    [
      'has a phase without steps',
      'decom: 1\nname: r\nphases:\n- phase: p\n  steps: []\n- phase: q\n',
      [
        'r/main.yaml:5:10  phase "p": "steps" is an empty list, and empty never means all. Name at least one.',
        'r/main.yaml:6:3  phase "q": "steps" is missing. Add it: The steps, in order.',
      ],
    ],
    [
      'is a phase',
      'phase: p\nsteps: []\n',
      ['r/main.yaml:1:1  this is a phase, not a runbook. Name the runbook that uses it.'],
    ],
    [
      'uses files that are not there, outside, itself, or used before',
      'decom: 1\nname: r\nphases:\n- use: none.yaml\n- use: ../x.yaml\n- use: a/../../x.yaml\n- use: /etc/passwd\n- use: main.yaml\n- use: ./none.yaml\n- use: p.yaml\n  with: 1\n',
      [
        'r/main.yaml:4:8  there is no file r/none.yaml. Correct the name.',
        'r/main.yaml:5:8  "../x.yaml" leaves the runbook\'s folder. Keep phase files beside or below the runbook.',
        'r/main.yaml:6:8  "a/../../x.yaml" leaves the runbook\'s folder. Keep phase files beside or below the runbook.',
        'r/main.yaml:7:8  "/etc/passwd" leaves the runbook\'s folder. Keep phase files beside or below the runbook.',
        'r/main.yaml:8:8  the runbook uses itself. Name a phase file.',
        'r/main.yaml:9:8  "./none.yaml" is used twice; the first is at r/main.yaml:4:8. Remove one of them.',
        'r/main.yaml:11:3  unknown key "with". Known here: use.',
      ],
    ],
    [
      'has parameters that cannot be',
      around(
        '  - { id: a, uses: service.stop, with: { units: [x] } }\n',
        'params:\n  A-b: { type: string }\n  c: { type: strng }\n  d: { type: integer, default: 007 }\n  e: { type: list, default: x }\n  f: { type: secret, default: hunter2 }\n  g: { type: boolean, required: true, default: true }\n  h: { default: [1] }\n  i: { type: string, default: [1] }',
      ),
      [
        'r/main.yaml:4:3  the name "A-b" in "params" is not allowed. Names are lower-case letters, digits and "_", a letter first.',
        'r/main.yaml:5:14  "params.c.type" must be string, integer, boolean, list, duration or secret, and is "strng". Did you mean "string"?',
        'r/main.yaml:6:32  parameter "d": its default must be a whole number, and is "007". Correct it.',
        'r/main.yaml:7:29  parameter "e": its default must be a list of texts. Write it as a list: [a, b].',
        'r/main.yaml:8:31  parameter "f": its default is a secret, and is given by where it is kept. Write env:NAME, file:PATH or prompt:QUESTION.',
        'r/main.yaml:9:39  parameter "g": it is required, so its default is never used. Remove "required" or "default".',
        'r/main.yaml:10:6  "params.h.type" is missing. Add it: What may be given. A list is one of texts; a secret is given as env:NAME, file:PATH or prompt:QUESTION.',
        'r/main.yaml:11:31  parameter "i": its default must be a single string. Write one value.',
      ],
    ],
  ])('that %s is refused', (_, main, expected) => {
    expect(complaints(main)).toEqual(expected);
  });

  it('passes on the faults of form of every file', () => {
    expect(
      complaints('decom: 1\nname: r\nphases:\n- use: a.yaml\n- use: b.yaml\n', {
        'r/a.yaml': 'phase: &x p\nsteps: *x\n',
        'r/b.yaml': 'phase: p\n\tsteps: 1\n',
      }),
    ).toEqual([
      'r/a.yaml:1:8  the anchor &x is not allowed. Remove it.',
      'r/a.yaml:2:8  the alias *x is not allowed. Write the value out where it is used.',
      'r/b.yaml:2:1  a tab is used for indentation. Use spaces.',
    ]);
  });
});

describe('a step', () => {
  it.each<[string, string, readonly string[]]>([
    [
      'lacks id and action',
      '  - title: x\n',
      [
        'r/main.yaml:7:5  step: "id" is missing. Add it: The name of the step, unique in the whole runbook.',
        'r/main.yaml:7:5  step: "uses" is missing. Add it: The action: the kind of step.',
      ],
    ],
    [
      'is a text',
      '  - x\n',
      [
        'r/main.yaml:7:5  step: it must be a mapping, and is a text. It takes: id, title, uses, with, when, needs, timeout, retry, on_failure, window, approvals.',
      ],
    ],
    [
      'has an id that is none',
      '  - { id: -a, uses: service.stop, with: { units: [x] } }\n',
      [
        'r/main.yaml:7:11  step "-a": "id" must be lower-case letters, digits and "-" (at most 63, the first no "-"), and is "-a". Correct it.',
      ],
    ],
    [
      'lacks its input',
      '  - { id: a, uses: service.stop }\n',
      ['r/main.yaml:7:5  step "a": "with.units" is missing. Add it: The units.'],
    ],
    [
      'gives texts where lists, numbers, truths and mappings belong, and the other way round',
      '  - id: a\n    uses: service.stop\n    with: { units: x.service, disable: yes, tries: 0x2, mode: [soft], within: 4 hours }\n  - { id: b, uses: command.run, with: { argv: { a: b }, password: hunter2 } }\n',
      [
        'r/main.yaml:9:20  step "a": "with.units" must be a list, and is a text. Write it as a list: [x.service].',
        'r/main.yaml:9:40  step "a": "with.disable" must be true or false, and is "yes". Write one of them.',
        'r/main.yaml:9:52  step "a": "with.tries" must be a whole number, and is "0x2". Write digits only.',
        'r/main.yaml:9:63  step "a": "with.mode" must be soft or hard, and is a list. Choose one of them.',
        'r/main.yaml:9:79  step "a": "with.within" must be a duration like 30s, 15m, 4h or 14d, and is "4 hours". Correct it.',
        'r/main.yaml:10:47  step "b": "with.argv" must be a list, and is a mapping. Write it as a list.',
        'r/main.yaml:10:67  step "b": "with.password" must be a mapping, and is a text. It takes: env.',
      ],
    ],
    [
      'gives numbers out of range and numbers that lose digits',
      '  - { id: a, uses: service.stop, with: { units: [x], tries: 10 } }\n  - { id: b, uses: service.stop, with: { units: [x], tries: 90071992547409930 } }\n  - { id: c, uses: service.stop, with: { units: [x], tries: -0 } }\n',
      [
        'r/main.yaml:7:61  step "a": "with.tries" must be at most 9, and is 10. Correct it.',
        'r/main.yaml:8:61  step "b": "with.tries" must be a whole number, and is "90071992547409930". Write digits only.',
        'r/main.yaml:9:61  step "c": "with.tries" must be a whole number, and is "-0". Write digits only.',
      ],
    ],
    [
      'mistakes one of several forms: the one that was meant is told',
      '  - { id: a, uses: command.run, with: { argv: [x], probe: { fil: y } } }\n  - { id: b, uses: command.run, with: { argv: [x], probe: { argv: y } } }\n  - { id: c, uses: command.run, with: { argv: [x], probe: y } }\n',
      [
        'r/main.yaml:7:59  step "a": "with.probe.argv" is missing. Add it.',
        'r/main.yaml:7:61  step "a": unknown key "fil" in "with.probe". Known here: argv.',
        'r/main.yaml:8:67  step "b": "with.probe.argv" must be a list, and is a text. Write it as a list: [y].',
        'r/main.yaml:9:59  step "c": "with.probe" must be a mapping, and is "y". Correct it.',
      ],
    ],
    [
      'breaks a rule between fields',
      '  - { id: a, uses: service.stop, with: { units: [x], mode: hard, tries: 2 } }\n',
      ['r/main.yaml:7:40  step "a": "hard" is tried only once. Correct "with".'],
    ],
    [
      'retries what is done once',
      '  - id: a\n    uses: command.run\n    with: { argv: [x] }\n    retry: { attempts: 2, delay: 1s }\n',
      [
        'r/main.yaml:10:5  step "a": command.run is never repeated by itself, because doing it twice could do harm. Remove "retry".',
      ],
    ],
    [
      'has times and policies that are none',
      '  - id: a\n    uses: service.stop\n    with: { units: [x] }\n    timeout: 4\n    retry: { attempts: 1, delay: soon }\n    on_failure: retry\n    needs: []\n    when: a ? b\n',
      [
        'r/main.yaml:10:14  step "a": "timeout" must be a duration like 30s, 15m, 4h or 14d, and is "4". Correct it.',
        'r/main.yaml:11:24  step "a": "retry.attempts" must be at least 2, and is 1. Correct it.',
        'r/main.yaml:11:34  step "a": "retry.delay" must be a duration like 30s, 15m, 4h or 14d, and is "soon". Correct it.',
        'r/main.yaml:12:17  step "a": "on_failure" must be stop, ask or continue, and is "retry". Choose one of them.',
        'r/main.yaml:13:12  step "a": "needs" is an empty list, and empty never means all. Name at least one.',
        'r/main.yaml:14:11  step "a": "when": Unexpected character: ?. Write a condition like facts.power == \'on\'.',
      ],
    ],
    [
      'has the id of another',
      '  - { id: a, uses: service.stop, with: { units: [x] } }\n  - { id: a, uses: service.stop, with: { units: [x] } }\n',
      ['r/main.yaml:8:11  step "a": the id is taken by the step at r/main.yaml:7:11. Give one of them another id.'],
    ],
    [
      'needs what is unknown, later, itself, twice, or in a ring',
      '  - { id: a, uses: service.stop, with: { units: [x] }, needs: [bb, c, a, d, d] }\n  - { id: b, uses: service.stop, with: { units: [x] }, needs: [a] }\n  - { id: c, uses: service.stop, with: { units: [x] }, needs: [b] }\n  - { id: d, uses: service.stop, with: { units: [x] } }\n',
      [
        'r/main.yaml:7:63  step "a": "needs" holds "d" twice. Remove one of them.',
        'r/main.yaml:7:64  step "a": "needs" names an unknown step "bb". Did you mean "b"?',
        'r/main.yaml:7:68  step "a": "needs" goes round in a ring: "a" needs "c" needs "b" needs "a". Remove one of these needs.',
        'r/main.yaml:7:71  step "a": it needs itself. Remove it from "needs".',
        'r/main.yaml:7:74  step "a": it needs "d", which comes later. Only earlier steps can be needed: move one of them.',
        'r/main.yaml:7:77  step "a": it needs "d", which comes later. Only earlier steps can be needed: move one of them.',
      ],
    ],
  ])('that %s is refused', (_, steps, expected) => {
    expect(inSteps(steps)).toEqual(expected);
  });
});

describe('a reference', () => {
  const first = '  - { id: first, uses: service.stop, with: { units: [x] } }\n';
  const last = '  - { id: last, uses: service.stop, with: { units: [x] } }\n';
  const head = 'params:\n  n: { type: integer }\n  units: { type: list }\n  pw: { type: secret }';
  const complaintOf = (key: string, text: string): readonly string[] => {
    const step = `  - id: a\n    uses: service.stop\n    with:\n      ${key === 'units' ? '' : 'units: [x]\n      '}${key}: ${JSON.stringify(text)}\n`;
    return complaints(around(first + step + last, head)).map((line) =>
      line.replace(/^r\/main.yaml:1[45]:\d+ {2}step "a": /, ''),
    );
  };

  it.each([
    ['units', '${{ params.units }}'],
    ['units', '${{steps.first.units}}'],
    ['units', '${{ host.addresses }}'],
    ['tries', '${{ params.n }}'],
    ['tries', '${{ steps.first.count }}'],
    ['within', '${{ params.n }}h'],
    ['mode', '${{ facts.power }}-${{ host.name }}-${{ host.location.unit }}-${{ host.addresses.0 }}'],
  ])('of the right kind may stand in %s: %s', (key, text) => {
    expect(complaintOf(key, text)).toEqual([]);
  });

  it.each([
    ['mode', '${{ params.nn }}', '"with.mode": unknown parameter "nn". Did you mean "n"?'],
    ['mode', '${{ params.zzzzz }}', '"with.mode": unknown parameter "zzzzz". Declare it under "params".'],
    ['mode', '${{ parms.n }}', '"with.mode": unknown reference "parms.n". Did you mean "params"?'],
    [
      'mode',
      '${{ secrets.n }}',
      '"with.mode": unknown reference "secrets.n". It begins with params, host, facts, steps.',
    ],
    ['mode', '${{ steps.frist.units }}', '"with.mode": unknown step "frist". Did you mean "first"?'],
    ['mode', '${{ steps.first.unit }}', '"with.mode": step "first" has no output "unit". Did you mean "units"?'],
    [
      'mode',
      '${{ steps.first }}',
      '"with.mode": the reference "steps.first" is not complete. Write it as steps.first.output.',
    ],
    ['mode', '${{ params }}', '"with.mode": the reference "params" is not complete. Write it as params.name.'],
    [
      'mode',
      '${{ steps.last.units }}',
      '"with.mode": step "last" comes later. Only earlier steps can be referred to: move one of them.',
    ],
    ['mode', '${{ steps.a.units }}', '"with.mode": a step cannot use its own output. Name an earlier step.'],
    ['mode', '${{ host.ownr }}', '"with.mode": unknown value of the host "ownr". Did you mean "owner"?'],
    [
      'mode',
      '${{ host.bmc.password.env }}',
      '"with.mode": unknown value of the host "password". Known: kind, address, port, user, guid, tls_pin, spacing, cipher_suite, system, legacy, argv, timeout.',
    ],
    ['mode', '${{ facts.powr }}', '"with.mode": unknown fact "powr". Did you mean "power"?'],
    [
      'mode',
      '${{ params.n + 1 }}',
      '"with.mode": "${{ params.n + 1 }}" is not a name. Write a name like params.vault or steps.files.backup.',
    ],
    ['mode', '${{ }}', '"with.mode": "${{ }}" is empty. Name a value: ${{ params.name }}.'],
    ['mode', '${{ params.n', '"with.mode": a "${{" is not closed. End it with "}}".'],
    [
      'mode',
      'x${{ params.units }}',
      '"with.mode": params.units is a list and cannot stand within a text. Let it be the whole value.',
    ],
    [
      'mode',
      'x${{ params.pw }}',
      '"with.mode": params.pw is a secret and cannot stand within a text. Let it be the whole value.',
    ],
    [
      'mode',
      '${{ params.pw }}',
      '"with.mode": params.pw is a secret, and a text is wanted here. Name another value, or change its type.',
    ],
    [
      'tries',
      '${{ params.units }}',
      '"with.tries": params.units is a list, and a text is wanted here. Name another value, or change its type.',
    ],
    [
      'units',
      '${{ params.n }}',
      '"with.units": params.n is a text, and a list is wanted here. Name another value, or change its type.',
    ],
    ['mode', '${{ params.n.x }}', '"with.mode": params.n.x goes too deep. Write params.n.'],
    ['mode', '${{ params.toString }}', '"with.mode": unknown parameter "toString". Declare it under "params".'],
  ])('in %s is refused: %s', (key, text, expected) => {
    expect(complaintOf(key, text)).toEqual([expected]);
  });

  it('does not hide what is wrong around it', () => {
    const step =
      '  - { id: a, uses: service.stop, with: { units: ["${{ params.n }}", ""], tries: x, foo: "${{ params.n }}" } }\n';
    expect(inSteps(step)).toEqual([
      'r/main.yaml:7:69  step "a": "with.units[1]" must not be empty. Write a value, or remove the key.',
      'r/main.yaml:7:81  step "a": "with.tries" must be a whole number, and is "x". Write digits only.',
      'r/main.yaml:7:84  step "a": unknown key "foo" in "with". Known here: units, disable, tries, mode, within.',
    ]);
  });
});
