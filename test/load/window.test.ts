import * as Type from 'typebox';
import { describe, expect, it } from 'vitest';
import type { AnyAction } from '../../src/core/action.ts';
import { diagnosticText } from '../../src/core/diagnostic.ts';
import { ok } from '../../src/core/result.ts';
import { stepsOf } from '../../src/core/runbook.ts';
import { windowWords } from '../../src/core/window.ts';
import { freezesOf } from '../../src/load/freezes.ts';
import { type LoadOptions, loadRunbook } from '../../src/load/load-runbook.ts';
import { windowComplaint } from '../../src/load/opening.ts';
import { parseWorkspace } from '../../src/load/workspace.ts';

const stop: AnyAction = {
  kind: 'service.stop',
  about: 'Stops.',
  effect: 'changes',
  once: false,
  irreversible: false,
  input: Type.Object({}),
  inspect: async () => null,
  plan: () => [],
  verify: () => ({ ok: true, output: {}, evidence: [], said: '' }),
};
const now = new Date('2026-11-23T00:00:00Z');
const moscow: LoadOptions = { timezone: 'Europe/Moscow', checkWindow: (window) => windowComplaint(window, now) };

/** The window of the one step of a runbook with such a window, in words; or the complaints. */
function read(window: string, options: LoadOptions = moscow): string | readonly string[] {
  const text = `decom: 1\nname: a\nwindow: ${window}\nphases:\n  - phase: p\n    steps:\n      - { id: s, uses: service.stop }\n`;
  const loaded = loadRunbook('r.yaml', () => ok(Buffer.from(text)), [stop], options);
  if (!loaded.ok) return loaded.error.map(diagnosticText);
  const found = stepsOf(loaded.value)[0]?.window;
  return found === undefined ? 'none' : windowWords(found);
}

describe('a window in a runbook', () => {
  it.each([
    ['{ from: "22:00", to: "05:00" }', '22:00–05:00 daily (Europe/Moscow)'],
    ['{ from: 22:00, to: 05:00 }', '22:00–05:00 daily (Europe/Moscow)'],
    ['{ days: [sat, sun] }', '00:00–24:00 on sun, sat (Europe/Moscow)'],
    ['{ days: [mon], from: "22:00", timezone: UTC }', '22:00–24:00 on mon (UTC)'],
    ['{ cron: "0 22 * * 1-5", for: 7h }', 'cron 0 22 * * 1-5 for 7 h (Europe/Moscow)'],
    [
      '{ to: "05:00", except: [2026-12-31, 2028-02-29] }',
      '00:00–05:00 daily (Europe/Moscow), not on 2026-12-31, 2028-02-29',
    ],
  ])('%s is read', (window, words) => {
    expect(read(window)).toBe(words);
  });

  it.each([
    [
      '{}',
      'r.yaml:3:9  "window": it has to be either hours or a pattern. Give days, "from" and "to", or "cron" and "for".',
    ],
    [
      '{ from: "22:00", cron: "0 22 * * *", for: 7h }',
      'r.yaml:3:9  "window": it has to be either hours or a pattern. Give days, "from" and "to", or "cron" and "for".',
    ],
    [
      '{ cron: "0 22 * * *" }',
      'r.yaml:3:9  "window": "cron" and "for" go together. Give both: { cron: "0 22 * * 1-5", for: 7h }.',
    ],
    [
      '{ from: "22:00", to: "22:00" }',
      'r.yaml:3:30  "window": it opens and closes at the same time. Leave out "from" and "to" for whole days.',
    ],
    [
      '{ from: "22:00", timezone: Europe/Moskau }',
      'r.yaml:3:36  "window": "Europe/Moskau" is no time zone. Name one of the IANA database: Europe/Moscow.',
    ],
    [
      '{ from: "22:00", timezone: "+03:00" }',
      'r.yaml:3:36  "window": "+03:00" is no time zone. Name one of the IANA database: Europe/Moscow.',
    ],
    [
      '{ from: "22:00", except: [2026-02-29] }',
      'r.yaml:3:34  "window": "2026-02-29" is not a date that exists. Write it as 2026-12-31.',
    ],
    [
      '{ cron: "0 0 30 2 *", for: 1h }',
      'r.yaml:3:9  "window": the window cron 0 0 30 2 * for 1 h (Europe/Moscow) never opens after 2026-11-23T00:00:00.000Z. Correct it.',
    ],
    [
      '{ cron: "22:00", for: 1h }',
      'r.yaml:3:9  "window": "22:00" is not a cron pattern of five fields (minute, hour, day of the month, month, day of the week). Correct it.',
    ],
    ['{ from: "25:00" }', 'r.yaml:3:17  "window.from" must be a time like "22:00", and is "25:00". Correct it.'],
    ['{ days: [] }', 'r.yaml:3:17  "window.days" is an empty list, and empty never means all. Name at least one.'],
    [
      '{ days: [monday] }',
      'r.yaml:3:18  "window.days[0]" must be sun, mon, tue, wed, thu, fri or sat, and is "monday". Choose one of them.',
    ],
    [
      'night',
      'r.yaml:3:9  "window" must be a mapping, and is a text. It takes: days, from, to, cron, for, timezone, except.',
    ],
  ])('%s is refused', (window, complaint) => {
    expect(read(window)).toEqual([complaint]);
  });

  it('without a zone, of its own or of the organisation, is refused', () => {
    expect(read('{ from: "22:00" }', {})).toEqual([
      'r.yaml:3:9  "window": its time zone is not known. Give "timezone" here, or under "organisation" in decom.yaml: Europe/Moscow.',
    ]);
    expect(read('{ from: "22:00", timezone: UTC }', {})).toBe('22:00–24:00 daily (UTC)');
  });

  it('of a step, or of a phase, is refused where it stands, by its name', () => {
    const text =
      'decom: 1\nname: a\nphases:\n  - phase: p\n    window: { from: "22:00", timezone: X/Y }\n    steps:\n      - { id: s, uses: service.stop, window: { for: 1h } }\n';
    const loaded = loadRunbook('r.yaml', () => ok(Buffer.from(text)), [stop], moscow);
    expect(loaded.ok ? [] : loaded.error.map(diagnosticText)).toEqual([
      'r.yaml:5:40  phase "p": "window": "X/Y" is no time zone. Name one of the IANA database: Europe/Moscow.',
      'r.yaml:7:46  step "s": "window": "cron" and "for" go together. Give both: { cron: "0 22 * * 1-5", for: 7h }.',
    ]);
  });
});

describe('freezes in decom.yaml', () => {
  const freezes = (list: string, zone?: string) => {
    const organisation = zone === undefined ? '' : `organisation: { name: o, timezone: ${zone} }\n`;
    const parsed = parseWorkspace(Buffer.from(`decom: 1\n${organisation}freezes:\n${list}`), 'decom.yaml');
    return parsed.ok ? freezesOf(parsed.value) : parsed.error.map(diagnosticText);
  };

  it.each([
    [
      '2026-12-20T18:00:00+03:00',
      '2027-01-09T00:00Z',
      undefined,
      '2026-12-20T15:00:00.000Z',
      '2027-01-09T00:00:00.000Z',
    ],
    ['2026-12-20', '2027-01-08', 'Europe/Moscow', '2026-12-19T21:00:00.000Z', '2027-01-08T21:00:00.000Z'],
    ['2026-03-29', '2026-03-29', 'Europe/Berlin', '2026-03-28T23:00:00.000Z', '2026-03-29T22:00:00.000Z'],
    ['2026-10-25', '2026-10-25', 'Europe/Berlin', '2026-10-24T22:00:00.000Z', '2026-10-25T23:00:00.000Z'],
    ['2028-02-29', '2028-02-29', 'UTC', '2028-02-29T00:00:00.000Z', '2028-03-01T00:00:00.000Z'],
    // Midnight does not exist there on that day.
    ['2026-03-08', '2026-03-08', 'America/Havana', '2026-03-08T05:00:00.000Z', '2026-03-09T04:00:00.000Z'],
  ])('from %s to %s (%s) are read as instants', (from, to, zone, begins, ends) => {
    expect(freezes(`  - { from: ${from}, to: ${to}, why: w }\n`, zone)).toEqual([{ from: begins, to: ends, why: 'w' }]);
  });

  it.each([
    [
      '{ from: 2026-12-20, to: 2026-12-24, why: w }',
      'decom.yaml:3:13  "freezes[0].from" ("2026-12-20") is a date, and the organisation has no time zone. Give organisation.timezone in decom.yaml: Europe/Moscow.',
    ],
    [
      '{ from: 2026-02-29T00:00:00Z, to: 2026-12-24T00:00:00Z, why: w }',
      'decom.yaml:3:13  "freezes[0].from" ("2026-02-29T00:00:00Z") does not exist. Correct it.',
    ],
    [
      '{ from: 2026-12-24T00:00:00Z, to: 2026-12-24T00:00:00Z, why: w }',
      'decom.yaml:3:39  "freezes[0].to" is not after "from". Correct one of them.',
    ],
    [
      '{ from: 2026-12-24T00:00:00, to: 2026-12-25T00:00:00Z, why: w }',
      'decom.yaml:3:13  "freezes[0].from" must be a date like 2026-12-20, or an instant with its zone like 2026-12-20T18:00:00+03:00, and is "2026-12-24T00:00:00". Correct it.',
    ],
    [
      '{ from: 2026-12-24T00:00:00Z, to: 2026-12-25T00:00:00Z }',
      'decom.yaml:3:5  "freezes[0].why" is missing. Add it: Why nothing is begun then.',
    ],
  ])('%s is refused', (freeze, complaint) => {
    expect(freezes(`  - ${freeze}\n`)).toEqual([complaint]);
  });
});
