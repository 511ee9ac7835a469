import { expect, test } from 'vitest';
import type { Operation } from '../../src/core/operation.ts';
import { operationWords } from '../../src/core/operation-words.ts';

const cases: readonly (readonly [Operation, readonly string[]])[] = [
  [
    { kind: 'exec', on: 'host', argv: ['systemctl', 'stop', '--', 'nginx.service'], root: true },
    ['run on the host as root: systemctl stop -- nginx.service'],
  ],
  [
    {
      kind: 'exec',
      on: 'host',
      argv: ['sh', '-c', "echo 'two words'", ''],
      root: false,
      directory: '/srv',
      environment: { LANG: 'C', TOKEN: { env: 'SITE_TOKEN' } },
    },
    [`run on the host in /srv with LANG=C TOKEN=(a secret): sh -c 'echo '\\''two words'\\''' ''`],
  ],
  [
    {
      kind: 'copy.rsync',
      on: 'control',
      from: ['/srv', '/my files'],
      exclude: ['*.tmp'],
      to: '/vault/web01/2',
      basis: '/vault/web01/1',
      root: true,
    },
    [
      "copy /srv, '/my files' (read as root) without '*.tmp' from the host into /vault/web01/2 here, by rsync with a manifest; unchanged files become hard links into /vault/web01/1",
    ],
  ],
  [
    { kind: 'bmc.power', on: 'control', want: 'off', how: 'hard', after: 120_000 },
    ['cut the power by the BMC, if it has not changed 2 min later'],
  ],
  [
    {
      kind: 'ask',
      on: 'control',
      form: 'checklist',
      title: 'Before the move',
      items: [{ id: 'cables', text: 'Cables are labelled' }],
    },
    ['go through a checklist: Before the move', '- Cables are labelled'],
  ],
];

test.each(cases)('an operation is written out in full: %j', (operation, words) => {
  expect(operationWords(operation)).toEqual(words);
});
