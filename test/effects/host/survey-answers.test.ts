import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { surveyOf } from '../../../src/effects/host/survey.ts';
import { readAnswers } from '../../../src/effects/host/survey-answers.ts';
import { sessionsOf } from '../../../src/effects/host/survey-people.ts';

const names = ['facts', 'units', 'sockets', 'cron', 'mounts', 'lsblk', 'who', 'processes', 'nfs', 'routes', 'dmi'];

/** What the script makes of a source that prints these bytes: its name before every line, as sed puts it there. */
const framed = (name: string, content: string): string =>
  `<${name}\n${`${content}\n%exit 0`
    .split('\n')
    .map((line) => `${name}|${line}\n`)
    .join('')}\n>${name}\n`;

const script = (sources: { readonly [name: string]: string }): Uint8Array =>
  Buffer.from(
    `decom survey 1 0\n${Object.entries(sources)
      .map(([name, content]) => framed(name, content))
      .join('')}decom survey end\n`,
    'latin1',
  );

const hostile = fc.oneof(
  fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((byte) => String.fromCharCode(byte)), maxLength: 300 }),
  fc
    .array(
      fc.constantFrom(
        '>who',
        '<cron',
        'cron|table /etc/x',
        '!mounts absent',
        '%exit 0',
        'decom survey end',
        '\x1b[2J',
        'tcp ESTAB 0 0 1:1 2:2',
        '\0',
      ),
      { maxLength: 12 },
    )
    .map((lines) => lines.join('\n')),
);

describe('the answers of a survey', () => {
  it('of one source are the same, whatever another prints', () => {
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.constantFrom(...names), hostile, (mine, other, content) => {
        fc.pre(mine !== other);
        const quiet = readAnswers(script({ [other]: '', [mine]: 'one\ntwo' }), 'web01');
        const loud = readAnswers(script({ [other]: content, [mine]: 'one\ntwo' }), 'web01');
        expect(loud?.of(mine)).toEqual(quiet?.of(mine));
        for (const third of names.filter((name) => name !== mine && name !== other))
          expect(loud?.of(third)).toEqual({ how: 'absent' });
      }),
      { numRuns: 500 },
    );
  });

  it('never end the reader, and hold no text that could repaint a terminal', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names), hostile), (sources) => {
        const answers = readAnswers(script(sources), 'web01');
        if (answers === undefined) throw new Error('it was not read');
        expect(JSON.stringify(surveyOf(answers))).not.toMatch(/\\u00[01]|[\x7f-\x9f\u202e]/);
      }),
      { numRuns: 500 },
    );
  });

  it('that break off anywhere are never taken for nothing', () => {
    const whole = Buffer.from(script({ mounts: '/dev/sda1 / ext4 rw 0 0', nfs: '/srv 192.0.2.1(rw)' }));
    const rows = (bytes: Uint8Array) => {
      const answers = readAnswers(bytes, 'web01');
      return answers === undefined ? undefined : surveyOf(answers).mounts;
    };
    expect(rows(whole)).toMatchObject({ known: true, value: { total: 1 } });
    const begun = whole.indexOf('\n') + 1;
    for (let end = begun; end < whole.indexOf('>mounts\n') + 7; end++) {
      expect(rows(whole.subarray(0, end))).toMatchObject({ known: false, trouble: { code: 'survey-cut' } });
    }
  });
});

it('hides nobody behind the session that asks: another one of the same login, without a terminal as well, is told', () => {
  const logind = ['3 0 root - - active no -', '7 0 root - - active no -'].join('\n');
  const answers = readAnswers(script({ who: '', logind }), 'web01');
  if (answers === undefined) throw new Error('no answers');
  const sessions = sessionsOf(answers, '3');
  expect(sessions.known && sessions.value.rows.map(({ user, own }) => ({ user, own }))).toEqual([
    { user: 'root', own: true },
    { user: 'root', own: false },
  ]);
});
