// docs/actions.md: the text of each action, from its own schemas and its marks.

/** One short `with:` and more for each action; the tests load them all as one runbook. */
const examples = {
  'backup.archive':
    '- id: files\n  uses: backup.archive\n  with: { from: [/srv, /etc], to: /mnt/vault, exclude: [/srv/cache] }',
  'backup.postgres':
    '- id: dump\n  uses: backup.postgres\n  with:\n    to: /mnt/vault\n    databases: [app]\n    ask:\n      - { database: app, sql: "SELECT max(id) FROM orders" }',
  'backup.rsync': '- id: mirror\n  uses: backup.rsync\n  with: { from: [/srv], to: /mnt/vault }',
  'bmc.locate': '- id: light\n  uses: bmc.locate\n  with: { light: "on" }',
  'bmc.reset': '- id: fresh-bmc\n  uses: bmc.reset\n  with: { within: 15m }',
  checklist:
    '- id: unplug\n  uses: checklist\n  with:\n    title: At the rack\n    items:\n      - { id: label, text: Read the label aloud }\n      - { id: power-a, text: Pull the cable of feed A }',
  'command.run':
    '- id: no-account\n  uses: command.run\n  with:\n    argv: [userdel, app]\n    root: true\n    probe: { argv: [getent, passwd, app], exit: 2 }',
  confirm: '- id: told\n  uses: confirm\n  with: { question: Do the users know that it is going? }',
  'disk.destroy':
    '- id: shredded\n  uses: disk.destroy\n  with:\n    how: shred\n    why: it could not be written to its end\n    disks: [{ serial: S3Z8NB0K123456 }]',
  'disk.erase': '- id: erase\n  uses: disk.erase\n  with: { level: clear, disks: [{ serial: S3Z8NB0K123456 }] }',
  'host.survey': '- id: survey\n  uses: host.survey\n  with: { wants: [mounts, disks, connections] }',
  'identity.attest': '- id: attest\n  uses: identity.attest\n  with: { over: 5m }',
  'identity.check': '- id: identity\n  uses: identity.check',
  'inventory.retire': '- id: retire\n  uses: inventory.retire\n  with: { status: retired }',
  'network.check': '- id: still-cut-off\n  uses: network.check\n  with: { since: "${{ steps.isolate.since }}" }',
  'network.isolate': '- id: isolate\n  uses: network.isolate\n  with: { keep: [192.0.2.0/24] }',
  'power.cut': '- id: cut\n  uses: power.cut\n  needs: [attest]',
  'power.off': '- id: power-off\n  uses: power.off\n  needs: [proof]\n  with: { grace: 10m }',
  'power.status': '- id: powered\n  uses: power.status\n  with: { expect: "on" }',
  'restore.verify': '- id: proof\n  uses: restore.verify\n  with: { backup: "${{ steps.files.backup }}" }',
  'service.start': '- id: start\n  uses: service.start\n  with: { unit: nginx.service, enable: true }',
  'service.stop': '- id: stop\n  uses: service.stop\n  with: { units: [nginx.service, app.service] }',
  'use.check':
    '- id: unused\n  uses: use.check\n  with:\n    watch: 15m\n    allow:\n      - { peer: 192.0.2.9, why: monitoring }\n      - { process: chronyd, why: time }\n    protect: [roles, exports, unknown]',
  wait: '- id: two-weeks\n  uses: wait\n  with: { for: 14d, why: somebody may still miss it }',
};

const effects = {
  none: 'changes nothing',
  adds: 'adds, and changes nothing that is there',
  changes: 'changes',
  destroys: 'destroys',
};

/** The whole file. `actions` as in src/actions/index.ts. */
export function actionsText(actions) {
  const strangers = Object.keys(examples).filter((kind) => !actions.some((action) => action.kind === kind));
  if (strangers.length > 0) throw new Error(`scripts/actions-text.mjs has examples of no action: ${strangers}`);
  return `${[
    '# Actions',
    'What a step can do (`uses`), and what it takes (`with`). Made from the schemas of the source by `npm run schemas`; not edited by hand.',
    'Wherever a value stands a reference may stand: `${{ params.NAME }}`, `${{ steps.ID.OUTPUT }}`, `${{ host.… }}`; not in fields marked *literal*.',
    actions.map(({ kind }) => `[${kind}](#${kind.replaceAll('.', '')})`).join(' · '),
    ...actions.flatMap(section),
  ].join('\n\n')}\n`;
}

function section(action) {
  const { kind, about, input, output } = action;
  const example = examples[kind];
  if (example === undefined) throw new Error(`scripts/actions-text.mjs has no example of ${kind}`);
  const fields = fieldsOf(input, '', [...(action.literal ?? []), ...(action.written ?? [])]);
  return [
    `## ${kind}`,
    about,
    [
      '| effect | once | irreversible | rollback |',
      '| --- | --- | --- | --- |',
      `| ${effects[action.effect]} | ${action.once ? 'yes: never repeated by itself' : 'no'} | ${
        action.irreversible ? 'yes: the serial is typed before it' : 'no'
      } | ${action.rollback === undefined ? (action.effect === 'none' ? 'nothing to take back' : 'no') : 'takes it back'} |`,
    ].join('\n'),
    ...(fields.length === 0
      ? ['It takes no `with`.']
      : [
          [
            '| field | type | required | default | |',
            '| --- | --- | --- | --- | --- |',
            ...fields.map((cells) => `| ${cells.map(cell).join(' | ')} |`),
          ].join('\n'),
        ]),
    `Outputs: ${outputsOf(output)}`,
    evidenceOf(action),
    `\`\`\`yaml\n${example}\n\`\`\``,
  ];
}

/** What a step demands before it may start, as it does without any `with` but an empty list of disks, and what it proves itself. */
function evidenceOf({ demands, yields = [] }) {
  const demanded = demands === undefined ? [] : demands({ disks: [] });
  const proves = yields.length === 0 ? 'no evidence' : yields.map((kind) => `\`${kind}\``).join(', ');
  if (demanded.length === 0) return `Demands no evidence; yields ${proves}.`;
  return [
    `Yields ${proves}. Demands, with the defaults of its fields:`,
    [
      '| evidence | at most | |',
      '| --- | --- | --- |',
      ...demanded.map(
        ({ kind, maxAge, after, uncut, why }) =>
          `| \`${kind}\` | ${ageOf(maxAge)}${after === undefined ? '' : `; of what was true after \`${after}\``}${uncut ? '; taken before users were cut off' : ''} | ${cell(why)} |`,
      ),
    ].join('\n'),
  ].join('\n\n');
}

const ageOf = (ms) => (ms % 86_400_000 === 0 ? `${ms / 86_400_000} d` : `${ms / 3_600_000} h`);

function fieldsOf(schema, above, literal) {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const path = `${above}${name}`;
    const [said, standard] = apart(field.description ?? '');
    const required = schema.required?.includes(name) === true;
    const words = literal.includes(path) ? `${said} *Literal.*` : said;
    const inner = field.type === 'array' ? [field.items, `${path}[].`] : [field, `${path}.`];
    return [
      [`\`${path}\``, typeOf(field), required ? 'yes' : '', standard, words],
      ...(inner[0]?.type === 'object' ? fieldsOf(inner[0], inner[1], []) : []),
    ];
  });
}

/** A description, and the default that its last words name. */
function apart(description) {
  const found = /^(.*?)\s*Default:? (.*?)\.?$/s.exec(description);
  return found === null ? [description, ''] : [found[1], found[2]];
}

function typeOf(schema) {
  if (schema.enum !== undefined) return schema.enum.map((word) => `\`${word}\``).join(' or ');
  switch (schema.type) {
    case 'array':
      return schema.items.type === 'object' ? 'list of mappings' : `list, each ${typeOf(schema.items)}`;
    case 'object': {
      const [values] = Object.values(schema.patternProperties ?? {});
      return values === undefined ? 'mapping' : `mapping of names to ${values.type === 'object' ? 'secrets' : 'text'}`;
    }
    case 'integer':
      return 'whole number';
    case 'boolean':
      return '`true` or `false`';
    default:
      return schema.patternErrorMessage ?? 'text';
  }
}

function outputsOf(output) {
  const all = Object.entries(output?.properties ?? {});
  return all.length === 0 ? 'none.' : `${all.map(([name, schema]) => `\`${name}\` (${typeOf(schema)})`).join(', ')}.`;
}

/** Text within a table: a bar would begin a cell. */
const cell = (text) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
