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

export const damaged = (host: string, what: string): Trouble =>
  trouble(
    'archive-damaged',
    `what tar on ${host} sent is no whole archive: ${what}`,
    'Try again; if it happens again, use backup.rsync.',
  );
