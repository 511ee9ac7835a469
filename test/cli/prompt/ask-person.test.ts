import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Question, StepAsked } from '../../../src/core/ports.ts';
import { trouble } from '../../../src/core/result.ts';
import { ask, type Typist, typist } from './typist.ts';

const step: StepAsked = { id: 'off', title: 'Switch off', position: 3, of: 17 };
const ordinary: Question = { ask: 'begin', step, details: ['run on the host: true'], serial: null };
const grave: Question = { ...ordinary, serial: '0012345' };
const failed: Extract<Question, { ask: 'failed' }> = {
  ask: 'failed',
  step,
  trouble: trouble('exit', 'it ended with exit code 3', 'Look at its output.'),
  mayRetry: true,
  tail: Array.from({ length: 25 }, (_, i) => `line ${i + 1}`),
};
const doubt: Question = {
  ask: 'doubt',
  step,
  what: 'run on the host: userdel deploy',
  trouble: trouble('in-doubt', 'the connection was lost while it ran', 'Look at the host.'),
};
const confirm: Question = {
  ask: 'form',
  step,
  form: 'confirm',
  title: 'Do the users know?',
  items: [{ id: 'confirm', text: 'Do the users know?' }],
};
const checklist: Question = {
  ask: 'form',
  step,
  form: 'checklist',
  title: 'Unplugged',
  items: [
    { id: 'power', text: 'Power cables' },
    { id: 'net', text: 'Network cables' },
  ],
};
const key = '[c,s,d,l,q,?] ';
const serialWanted = 'in full [b,q,?] ';
const afterFailure = 'What now? [retry,skip,quit,?] ';
const inDoubt = 'Was it done? [done,not-done,quit,?] ';
const confirming = 'Do the users know? [y,n,q,?] ';
const whySkipped = 'Why is it skipped? (goes on record) [b,q,?] ';

/** Answers each question shown with the next text. */
async function dialogue(person: Typist, turns: readonly (readonly [shown: string, typed: string])[]): Promise<void> {
  for (const [shown, typed] of turns) {
    await person.shown(shown);
    person.show(`<${typed.replace('\n', '↵')}>\n`);
    person.type(typed);
  }
}

describe('before a step is taken back', () => {
  const back: Question = {
    ...ordinary,
    step: { ...step, direction: 'back' },
    details: Array.from({ length: 7 }, (_, i) => `act ${i + 1}`),
  };

  test('the question says that the step is taken back, and what that does, before its title', async () => {
    const person = typist();
    const answer = ask(person, { ...back, details: ['power of web01: on'] });
    await dialogue(person, [[key, 'c\n']]);
    expect(await answer).toEqual({ answer: 'continue', how: 'asked' });
    expect(person.screen()).toBe(
      '[3/17] taking back off would be:\n  | power of web01: on\n[3/17] take back off — Switch off [c,s,d,l,q,?] <c↵>\n',
    );
  });

  test('of many acts the first are shown, all of them by d, and the help names the way back', async () => {
    const person = typist();
    const answer = ask(person, back);
    await dialogue(person, [
      [key, 'd\n'],
      [key, '?\n'],
      [key, 'q\n'],
    ]);
    expect(await answer).toEqual({ answer: 'quit', why: 'quit' });
    const [before = '', after = ''] = person.screen().split('<d↵>');
    expect(before).toContain('act 5\n  … and 2 more; d shows all\n');
    expect(after).toContain('act 7\n');
    expect(after).toContain('c  continue  take this step back\n');
    expect(after).toContain('the rollback can be gone on with');
    expect(after).not.toContain('the run can be resumed');
  });

  test('the help of a reason for leaving it as it is speaks of the rollback too', async () => {
    const person = typist();
    const answer = ask(person, back);
    await dialogue(person, [
      [key, 's\n'],
      [whySkipped, '?\n'],
      [whySkipped, 'q\n'],
    ]);
    expect(await answer).toEqual({ answer: 'quit', why: 'quit' });
    expect(person.screen()).toContain('the rollback can be gone on with');
  });

  test('a doubt about it says so too', async () => {
    const person = typist();
    const answer = ask(person, { ...doubt, step: back.step } as Question);
    await dialogue(person, [[inDoubt, 'q\n']]);
    expect(await answer).toEqual({ answer: 'quit', why: 'quit' });
    expect(person.screen()).toMatch(/^\[3\/17\] taking back off is in doubt/);
  });
});

describe('before an ordinary step', () => {
  test('c continues, and the prompt line says where it is and which keys there are', async () => {
    const person = typist();
    const answer = ask(person, ordinary);
    await dialogue(person, [[key, 'c\n']]);
    expect(await answer).toEqual({ answer: 'continue', how: 'asked' });
    expect(person.screen()).toBe('[3/17] off — Switch off [c,s,d,l,q,?] <c↵>\n');
  });

  test('Enter alone and unknown keys ask again', async () => {
    const person = typist();
    const answer = ask(person, ordinary);
    await dialogue(person, [
      [key, '\n'],
      [key, 'y\n'],
      [key, 'yes\n'],
      [key, 'q\n'],
    ]);
    expect(await answer).toEqual({ answer: 'quit', why: 'quit' });
    expect(person.screen().match(/Type one of c, s, d, l, q, and Enter; \? explains them\./g)).toHaveLength(3);
  });

  test('a skip wants a reason, b goes back, and Enter alone asks again', async () => {
    const person = typist();
    const answer = ask(person, ordinary);
    await dialogue(person, [
      [key, 's\n'],
      [whySkipped, '\n'],
      [whySkipped, 'b\n'],
      [key, 's\n'],
      [whySkipped, '  done by hand \n'],
    ]);
    expect(await answer).toEqual({ answer: 'skip', reason: 'done by hand' });
  });

  test('d shows what would be done, l the log, and ? spells every key out', async () => {
    const person = typist();
    const answer = ask(person, ordinary);
    await dialogue(person, [
      [key, 'd\n'],
      [key, 'l\n'],
      [key, '?\n'],
      [key, 'c\n'],
    ]);
    await answer;
    expect(person.screen()).toBe(
      [
        '[3/17] off — Switch off [c,s,d,l,q,?] <d↵>',
        '  | run on the host: true',
        '[3/17] off — Switch off [c,s,d,l,q,?] <l↵>',
        '10:00:00 [1/3] identity ✓ verified: three sources agree',
        '[3/17] off — Switch off [c,s,d,l,q,?] <?↵>',
        '  c  continue  do this step',
        '  s  skip      leave it out, with a reason that goes on record',
        '  d  details   exactly what would be done, and where',
        '  l  log       what has happened in this run',
        '  q  quit      everything is kept, and the run can be resumed',
        '  ?  help      this help',
        '[3/17] off — Switch off [c,s,d,l,q,?] <c↵>',
        '',
      ].join('\n'),
    );
  });
});

describe('before an irreversible step', () => {
  test('c alone does not begin it: the serial is typed in full', async () => {
    const person = typist();
    const answer = ask(person, grave);
    await dialogue(person, [
      [key, 'c\n'],
      [serialWanted, '\n'],
      [serialWanted, 'c\n'],
      [serialWanted, '12345\n'],
      [serialWanted, 'web01\n'],
      [serialWanted, 'yes\n'],
      [serialWanted, '0012345\n'],
    ]);
    expect(await answer).toEqual({ answer: 'typed', text: '0012345', how: 'typed' });
    expect(person.screen()).toContain('[3/17] off — Switch off (irreversible) [c,s,d,l,q,?] <c↵>\n');
    expect(person.screen()).toContain('  Nothing was typed, and nothing was done. b goes back');
    expect(person.screen().match(/That is not the serial number of web01; nothing was done\./g)).toHaveLength(4);
  });

  test('b goes back to the keys, and q quits from there', async () => {
    const person = typist();
    const answer = ask(person, grave);
    await dialogue(person, [
      [key, 'c\n'],
      [serialWanted, 'b\n'],
      [key, 'q\n'],
    ]);
    expect(await answer).toEqual({ answer: 'quit', why: 'quit' });
  });

  test('what was typed before the question was shown is thrown away, the right serial too', async () => {
    const person = typist();
    person.type('c\n0012345\n');
    const answer = ask(person, grave);
    await person.shown(key);
    // Still asking: the keys pressed too early have answered nothing.
    await dialogue(person, [[key, 'q\n']]);
    expect(await answer).toEqual({ answer: 'quit', why: 'quit' });
    expect(person.screen()).toBe('[3/17] off — Switch off (irreversible) [c,s,d,l,q,?] <q↵>\n');
  });

  test('the question is shown only after a quarter of a second without a key', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    const person = typist();
    const answer = ask(person, grave);
    for (const rest of [100, 249, 249]) {
      await vi.advanceTimersByTimeAsync(rest);
      person.type('\n');
      await new Promise(setImmediate);
    }
    await vi.advanceTimersByTimeAsync(249);
    expect(person.screen()).toBe('');
    await vi.advanceTimersByTimeAsync(1);
    expect(person.screen().endsWith(key)).toBe(true);
    person.type('q\n');
    await answer;
  });
});

describe('after a failure', () => {
  test('the words are typed in full, after the last 20 lines of output', async () => {
    const person = typist();
    const answer = ask(person, failed);
    await dialogue(person, [
      [afterFailure, '\n'],
      [afterFailure, 'r\n'],
      [afterFailure, 'retry\n'],
    ]);
    expect(await answer).toEqual({ answer: 'retry' });
    const screen = person.screen();
    expect(screen).toMatch(
      /^\[3\/17\] off has failed\.\nerror it ended with exit code 3 \[exit\]\n {2}Look at its output\.\n/,
    );
    expect(screen).toContain('  | line 6\n');
    expect(screen).not.toContain('  | line 5\n');
    expect(screen).toContain(
      '  | line 25\n  Its log: /state/runs/web01/3f9c1a7be204/audit.jsonl\n  What now? [retry,skip,quit,?] ',
    );
    expect(screen.match(/Type one of retry, skip, quit in full, and Enter; \? explains them\./g)).toHaveLength(2);
  });

  test('output is shown once, and where there was none nothing is said of it', async () => {
    const person = typist();
    const detailed = { ...failed.trouble, detail: failed.tail.join('\n') };
    const answer = ask(person, { ...failed, trouble: detailed });
    await dialogue(person, [[afterFailure, 'quit\n']]);
    await answer;
    expect(person.screen().match(/line 25/g)).toHaveLength(1);

    const silent = typist();
    const other = ask(silent, { ...failed, tail: [] });
    await dialogue(silent, [[afterFailure, 'quit\n']]);
    await other;
    expect(silent.screen()).not.toContain('Last lines');
  });

  test('skip wants a reason, which cannot be empty', async () => {
    const person = typist();
    const answer = ask(person, failed);
    await dialogue(person, [
      [afterFailure, 'skip\n'],
      [whySkipped, '\n'],
      [whySkipped, 'not needed here\n'],
    ]);
    expect(await answer).toEqual({ answer: 'skip', reason: 'not needed here' });
  });

  test('quit stops, and retry is not offered where it is not allowed', async () => {
    const person = typist();
    const answer = ask(person, { ...failed, mayRetry: false });
    await dialogue(person, [
      ['What now? [skip,quit,?] ', 'retry\n'],
      ['What now? [skip,quit,?] ', 'quit\n'],
    ]);
    expect(await answer).toEqual({ answer: 'quit', why: 'quit' });
  });
});

test('a doubt is settled by a word typed in full and a reason', async () => {
  const person = typist();
  const answer = ask(person, doubt);
  await dialogue(person, [
    [inDoubt, 'y\n'],
    [inDoubt, 'done\n'],
    ['How do you know? (goes on record) [b,q,?] ', 'getent passwd deploy says nothing\n'],
  ]);
  expect(await answer).toEqual({
    answer: 'resolved',
    outcome: 'done',
    reason: 'getent passwd deploy says nothing',
  });
});

describe('a form', () => {
  test.each([
    ['y', true, ''],
    ['Yes', true, ''],
    ['y by mail on 3 May', true, 'by mail on 3 May'],
    ['no  the mail did not go out', false, 'the mail did not go out'],
  ])('a confirmation takes %j, as an item of a checklist does', async (typed, done, note) => {
    const person = typist();
    const answer = ask(person, confirm);
    await dialogue(person, [
      [confirming, '\n'],
      [confirming, 'c\n'],
      [confirming, `${typed}\n`],
    ]);
    expect(await answer).toEqual({ answer: 'filled', items: [{ id: 'confirm', done, note }] });
  });

  test('a no wants its reason', async () => {
    const person = typist();
    const answer = ask(person, confirm);
    await dialogue(person, [
      [confirming, 'no\n'],
      ['Why not? (goes on record) [b,q,?] ', 'the mail did not go out\n'],
    ]);
    expect(await answer).toEqual({
      answer: 'filled',
      items: [{ id: 'confirm', done: false, note: 'the mail did not go out' }],
    });
  });

  test('a checklist is gone through item by item, with notes', async () => {
    const person = typist();
    const answer = ask(person, checklist);
    await dialogue(person, [
      ['(1/2) Power cables [y,n,q,?] ', '\n'],
      ['(1/2) Power cables [y,n,q,?] ', 'y label P-17\n'],
      ['(2/2) Network cables [y,n,q,?] ', 'n still needed\n'],
    ]);
    expect(await answer).toEqual({
      answer: 'filled',
      items: [
        { id: 'power', done: true, note: 'label P-17' },
        { id: 'net', done: false, note: 'still needed' },
      ],
    });
  });
});

const everyQuestion: readonly (readonly [name: string, question: Question, shown: string])[] = [
  ['before an ordinary step', ordinary, key],
  ['before an irreversible step', grave, key],
  ['after a failure', failed, afterFailure],
  ['in a doubt', doubt, inDoubt],
  ['in a confirmation', confirm, confirming],
  ['in a checklist', checklist, '[y,n,q,?] '],
];

describe.each(everyQuestion)('%s', (_, question, shown) => {
  test('? spells out every answer in its brackets, Enter alone asks again, and a capital Q quits', async () => {
    const person = typist();
    const answer = ask(person, question);
    await dialogue(person, [
      [shown, '?\n'],
      [shown, '\n'],
      [shown, 'Q\n'],
    ]);
    expect(await answer).toEqual({ answer: 'quit', why: 'quit' });
    const [, keys = ''] = /\[([a-z,-]+,\?)\] $/.exec(shown) ?? [];
    expect(keys).toMatch(/,q(uit)?,\?$/);
    for (const each of keys.split(',')) {
      expect(person.screen()).toMatch(new RegExp(`^ {2}${each === '?' ? '\\?' : each} {2,}\\S`, 'm'));
    }
    expect(person.screen()).toContain('  Nothing was typed, and nothing was done. Type one of ');
  });

  test('the end of the input quits, and says so', async () => {
    const person = typist();
    const answer = ask(person, question);
    await person.shown(shown);
    person.hangUp();
    expect(await answer).toEqual({ answer: 'quit', why: 'end-of-input' });
    expect(person.raw()).toBe(false);
  });

  test('an input that has ended before is not waited for', async () => {
    const person = typist();
    person.hangUp();
    expect(await ask(person, question)).toEqual({ answer: 'quit', why: 'end-of-input' });
  });

  test('a signal interrupts it, and leaves the terminal sane', async () => {
    const person = typist();
    const answer = ask(person, question);
    await person.shown(shown);
    person.controller.abort('SIGTERM');
    expect(await answer).toEqual({ answer: 'quit', why: 'interrupted' });
    expect(person.raw()).toBe(false);
    expect(person.screen()).toMatch(/\n$/);
  });

  test('Ctrl-C while it waits for quiet interrupts it', async () => {
    const person = typist();
    const answer = ask(person, question);
    expect(person.raw()).toBe(true);
    person.type('\u0003');
    expect(await answer).toEqual({ answer: 'quit', why: 'interrupted' });
    expect(person.raw()).toBe(false);
  });
});

test('a reason is a text of its own: b goes back to the question, q quits, ? explains, and none of them goes on record', async () => {
  const ways: readonly (readonly [Question, string, string, string])[] = [
    [ordinary, key, 'SKIP', whySkipped],
    [failed, afterFailure, 'skip', whySkipped],
    [doubt, inDoubt, 'done', 'How do you know? (goes on record) [b,q,?] '],
    [confirm, confirming, 'n', 'Why not? (goes on record) [b,q,?] '],
  ];
  for (const [question, shown, typed, wanted] of ways) {
    const person = typist();
    const answer = ask(person, question);
    await dialogue(person, [
      [shown, `${typed}\n`],
      [wanted, '?\n'],
      [wanted, 'b\n'],
      [shown, `${typed}\n`],
      [wanted, 'Q\n'],
    ]);
    expect(await answer).toEqual({ answer: 'quit', why: 'quit' });
    expect(person.screen()).toContain('  b  back  to the question before\n');
  }
});

test('what stands behind a key that takes no note makes it no answer', async () => {
  const person = typist();
  const answer = ask(person, ordinary);
  await dialogue(person, [
    [key, 'c please\n'],
    [key, 'q now\n'],
    [key, 'continue\n'],
  ]);
  expect(await answer).toEqual({ answer: 'continue', how: 'asked' });
});

test('q typed at the serial, and after a failure, quits', async () => {
  const first = typist();
  const serial = ask(first, grave);
  await dialogue(first, [
    [key, 'c\n'],
    [serialWanted, 'q\n'],
  ]);
  expect(await serial).toEqual({ answer: 'quit', why: 'quit' });
});

test('text from a host reaches the screen without control characters', async () => {
  const person = typist();
  const answer = ask(person, { ...ordinary, details: ['run on the host: echo \u001b[2J\u202etxt'] });
  await dialogue(person, [
    [key, 'd\n'],
    [key, 'q\n'],
  ]);
  await answer;
  expect(person.screen()).toContain('  | run on the host: echo \\x1b[2J\\u202etxt\n');
  expect(person.screen()).not.toContain('\u001b');
});

test('a secret is read without being shown, with its line edited by hand', async () => {
  const person = typist();
  const typed = person.keyboard.line('Password: ', { quiet: 0, hidden: true, signal: person.controller.signal });
  await person.shown('Password: ');
  expect(person.raw()).toBe(true);
  person.type('secretö\u007f!\r');
  expect(await typed).toEqual({ typed: 'line', text: 'secret!' });
  expect(person.screen()).toBe('Password: \n');
  expect(person.raw()).toBe(false);
});
