import { expect, test } from 'vitest';
import { fragileTerminal } from '../../src/cli/fragile-terminal.ts';

const SSH_CONNECTION = '192.0.2.1 50000 192.0.2.2 22';

test('a terminal that ends with its SSH connection is named before an interactive run', () => {
  expect(fragileTerminal({ SSH_CONNECTION })).toEqual([
    'This terminal ends with its SSH connection, and a run in it is cut off then (it can be resumed). Inside tmux or screen it is not.',
  ]);
});

test('nothing is said inside tmux or screen, or at the machine itself', () => {
  expect(fragileTerminal({ SSH_CONNECTION, TMUX: '/tmp/tmux-0/default,1,0' })).toEqual([]);
  expect(fragileTerminal({ SSH_CONNECTION, STY: '1.pts-0' })).toEqual([]);
  expect(fragileTerminal({})).toEqual([]);
});
