import { expect, test } from 'vitest';
import { keepCalendar } from '../../src/documents/keep-calendar.ts';
import { reportMarkdown } from '../../src/documents/report-markdown.ts';
import { reportModel } from '../../src/documents/report-model.ts';
import { journal, lines, plan } from './small-journal.ts';

const model = reportModel(plan, journal(lines()));
const [copy] = model.copies;
if (copy === undefined) throw new Error('the journal holds no copy');
const kept = {
  until: '2033-03-01',
  by: 'records office; floor 2',
  why: 'law, § 147 – "bücher", kept\\whole '.repeat(3),
};
const calendar = keepCalendar({
  ...model,
  copies: [
    { ...copy, kept },
    { ...copy, step: 'other', kept: null },
  ],
});
const unfolded = calendar.replaceAll('\r\n ', '');
const line = (name: string): string | undefined =>
  unfolded
    .split('\r\n')
    .find((one) => one.startsWith(name))
    ?.slice(name.length + 1);

test('each copy with a term has its last day in the calendar, and the others have none', () => {
  expect(unfolded.match(/BEGIN:VEVENT/g)).toHaveLength(1);
  expect(line('DTSTART;VALUE=DATE')).toBe('20330301');
  expect(line('UID')).toBe(`${model.execution.run}-${copy.step}@decom`);
  expect(line('DTSTAMP')).toMatch(/^\d{8}T\d{6}Z$/);
  expect(line('SUMMARY')).toBe(`Last day to keep the copy of ${model.host.name} (${copy.step})`);
});

test('what people wrote is escaped as a calendar wants it, and no line has more than 75 bytes', () => {
  const said = line('DESCRIPTION') ?? '';
  expect(said).toContain('From tomorrow records office\\; floor 2 may delete');
  expect(said).toContain('law\\, § 147 – "bücher"\\, kept\\\\whole');
  expect(said).not.toMatch(/[\r\n]/);
  for (const one of calendar.split('\r\n')) expect(Buffer.byteLength(one)).toBeLessThanOrEqual(75);
  expect(calendar.endsWith('END:VCALENDAR\r\n')).toBe(true);
  expect(Buffer.from(calendar).toString()).not.toContain('\ufffd');
});

test('a record without a term is an empty calendar, and its report says that nobody named one', () => {
  expect(keepCalendar({ ...model, copies: [{ ...copy, kept: null }] })).not.toContain('VEVENT');
  expect(reportMarkdown({ ...model, copies: [{ ...copy, kept: null }] })).toContain(
    'nobody said: it is not to be deleted',
  );
  expect(reportMarkdown({ ...model, copies: [{ ...copy, kept }] })).toContain('records office; floor 2');
});
