import type { Place } from '../../core/place.ts';
import { type Trouble, trouble } from '../../core/result.ts';
import type { Complaints } from './complaints.ts';

export const tarFailed = (host: string, how: string, heard: Complaints): Trouble =>
  trouble(
    'tar-failed',
    `tar on ${host} ${how}`,
    'Read what it said, then try again.',
    [
      ...heard
        .list()
        .slice(0, 10)
        .map((u) => `${u.name}: ${u.why}`),
      heard.rest(),
    ].join('\n'),
  );

/** `on`: the machine that was to keep it; backup.rsync keeps copies here only. */
export const damaged = (host: string, what: string, on: Place['on']): Trouble =>
  trouble(
    'archive-damaged',
    `what tar on ${host} sent is no whole archive: ${what}`,
    on === 'control'
      ? 'Try again; if it happens again, use backup.rsync.'
      : 'Try again; if it happens again, copy to a place here with backup.rsync.',
  );
