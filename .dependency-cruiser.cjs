// Which room may import which. Each rule says why: whoever breaks one reads the reason, not only the prohibition.

const rooms = ['actions', 'load', 'documents', 'engine', 'effects', 'practice', 'cli'];
const others = (...mine) => `^src/(${rooms.filter((room) => !mine.includes(room)).join('|')})/`;

/** Node's own modules and npm packages, besides those that are named. `types: false` lets type-only imports pass. */
const foreign = (...allowed) => ({
  dependencyTypes: ['core', 'npm', 'npm-dev', 'npm-optional', 'npm-peer', 'npm-no-pkg', 'npm-unknown'],
  ...(allowed.length === 0 ? {} : { pathNot: allowed.map((name) => `^(node:)?${name}$|node_modules/${name}/`) }),
});

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'core-is-the-ground',
      comment:
        'core is pure and knows no other room: every room stands on it, so whatever it imported, all of them would.',
      severity: 'error',
      from: { path: '^src/core/' },
      to: { path: others() },
    },
    {
      name: 'core-touches-nothing',
      comment:
        'core hashes, describes types and makes JSON canonical; files, time and network come in as ports, so that it can be tested without a world. (Types of Node streams may be named.)',
      severity: 'error',
      from: { path: '^src/core/' },
      to: { ...foreign('crypto', 'typebox', 'canonicalize'), dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'actions-know-only-core',
      comment:
        'an action is data and pure functions: it asks by probes and acts by operations, so a plan shows all that it can do.',
      severity: 'error',
      from: { path: '^src/actions/' },
      to: { path: others('actions') },
    },
    {
      name: 'actions-touch-nothing',
      comment: 'an action that could open a file or a socket could act without standing in the plan.',
      severity: 'error',
      from: { path: '^src/actions/' },
      to: foreign('typebox'),
    },
    {
      name: 'no-action-imports-another',
      comment: 'a kind of step can be read, tested and removed alone; what two of them share lies in parts/.',
      severity: 'error',
      from: { path: '^src/actions/([^/]+)/([^/]+)\\.ts$' },
      to: { path: '^src/actions/[^/]+/[^/]+\\.ts$', pathNot: ['^src/actions/$1/$2\\.ts$', '^src/actions/parts/'] },
    },
    {
      name: 'load-knows-only-core',
      comment:
        'load turns text into a runbook; it is handed the list of actions, and knows neither them nor the engine.',
      severity: 'error',
      from: { path: '^src/load/' },
      to: { path: others('load') },
    },
    {
      name: 'load-reads-no-files',
      comment: 'load is handed bytes, so that the same runbook is judged the same wherever it lies.',
      severity: 'error',
      from: { path: '^src/load/' },
      to: foreign('typebox', 'ajv', 'yaml', 'croner'),
    },
    {
      name: 'documents-know-only-core',
      comment: 'documents are made of the plan and the journal alone: what is not recorded cannot be reported.',
      severity: 'error',
      from: { path: '^src/documents/' },
      to: { path: others('documents') },
    },
    {
      name: 'documents-touch-nothing',
      comment: 'a document is text from data; whoever asked for it writes the file.',
      severity: 'error',
      from: { path: '^src/documents/' },
      to: foreign(),
    },
    {
      name: 'engine-knows-only-core',
      comment: 'the engine drives any list of actions over any world; adapters and actions are handed to it.',
      severity: 'error',
      from: { path: '^src/engine/' },
      to: { path: others('engine') },
    },
    {
      name: 'engine-touches-nothing',
      comment:
        'time, disk and network reach the engine as ports, so that every death of a run can be staged in a test.',
      severity: 'error',
      from: { path: '^src/engine/' },
      to: foreign(),
    },
    {
      name: 'effects-know-only-core',
      comment:
        'an adapter translates one stranger into core’s words; it decides nothing, so it needs to know nothing else.',
      severity: 'error',
      from: { path: '^src/effects/' },
      to: { path: others('effects') },
    },
    {
      name: 'adapters-are-strangers',
      comment:
        'adapters meet only in cli/compose.ts, so that each can be replaced alone; they share process.ts, which starts programs, and end-tree.ts, which ends them.',
      severity: 'error',
      from: { path: '^src/effects/([^/]+?)(\\.ts$|/)' },
      to: { path: '^src/effects/', pathNot: ['^src/effects/$1(\\.ts$|/)', '^src/effects/(process|end-tree)\\.ts$'] },
    },
    {
      name: 'practice-is-a-machine-of-its-own',
      comment:
        'the practice machine is met only over SSH and HTTPS, like any other; nothing of the program may know it from within.',
      severity: 'error',
      from: { path: '^src/practice/' },
      to: { path: others('practice') },
    },
    {
      name: 'only-the-demo-practises',
      comment: 'if more than the demo knew the practice machine, practice would stop proving that the real way works.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(practice/|cli/commands/demo\\.ts$)' },
      to: { path: '^src/practice/' },
    },
    {
      name: 'only-compose-chooses-adapters',
      comment:
        'cli/compose.ts and what is beside it in cli/compose/ alone know which adapters there are; everybody else is handed ports.',
      severity: 'error',
      from: { path: '^src/cli/', pathNot: '^src/cli/compose(\\.ts|/)' },
      to: { path: '^src/effects/' },
    },
    {
      name: 'only-cli-speaks-to-people',
      comment: 'colours, prompts and command lines belong to the one floor that speaks to a person.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/cli/' },
      to: { path: 'node_modules/(@inquirer|inquirer|chalk|commander)/' },
    },
    {
      name: 'views-touch-nothing',
      comment: 'a view is text from data, so that its exact words can be tested.',
      severity: 'error',
      from: { path: '^src/cli/view/' },
      to: { ...foreign(), dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'nobody-needs-the-tests',
      comment: 'the program ships without its tests.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench|scripts)/' },
    },
    {
      name: 'no-cycle',
      comment: 'two files that need each other are one file, or share a third.',
      severity: 'error',
      from: { path: '^src/' },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'nothing-unresolved',
      comment: 'an import that is not found would break only where it is first used.',
      severity: 'error',
      from: { path: '^src/' },
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
