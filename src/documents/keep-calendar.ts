import type { ReportModel } from './report-model.ts';

/**
 * The copies of a run in a calendar (RFC 5545): one day for each that has a term, the last on which it has to be there. The same from the same record, whenever it is made.
 */
export function keepCalendar({ copies, host, execution }: Pick<ReportModel, 'copies' | 'host' | 'execution'>): string {
  const stamp = (execution.last ?? '1970-01-01T00:00:00.000Z').replace(/[-:]|\.\d+/g, '');
  const events = copies.flatMap(({ step, copy, manifest, kept }) =>
    kept === null
      ? []
      : [
          'BEGIN:VEVENT',
          `UID:${execution.run}-${step}@decom`,
          `DTSTAMP:${stamp}`,
          `DTSTART;VALUE=DATE:${kept.until.replaceAll('-', '')}`,
          'TRANSP:TRANSPARENT',
          `SUMMARY:${text(`Last day to keep the copy of ${host.name} (${step})`)}`,
          `DESCRIPTION:${text(
            [
              `From tomorrow ${kept.by} may delete ${copy}.`,
              ...(kept.why === undefined ? [] : [`Kept until now because: ${kept.why}`]),
              `Made by run ${execution.run} of ${host.name}, serial ${host.serial}; manifest SHA-256 ${manifest ?? 'unknown'}.`,
            ].join('\n'),
          )}`,
          'END:VEVENT',
        ],
  );
  return ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//decom//copies//EN', ...events, 'END:VCALENDAR']
    .map((line) => `${folded(line)}\r\n`)
    .join('');
}

const text = (value: string): string =>
  value.replaceAll('\\', '\\\\').replaceAll(';', '\\;').replaceAll(',', '\\,').replaceAll('\n', '\\n');

/** No line has more than 75 bytes; a character is never cut in two. */
function folded(line: string): string {
  const parts = [''];
  for (const character of line) {
    const last = parts.at(-1) ?? '';
    // A line that goes on begins with a blank.
    const room = parts.length === 1 ? 75 : 74;
    if (Buffer.byteLength(last + character) > room) parts.push(character);
    else parts[parts.length - 1] = last + character;
  }
  return parts.join('\r\n ');
}
