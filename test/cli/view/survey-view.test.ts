import { expect, test } from 'vitest';
import { surveyLines } from '../../../src/cli/view/survey-view.ts';
import { plainLook, render } from '../../../src/cli/view/text.ts';
import { seen, trouble, unseen } from '../../../src/core/result.ts';
import { fakeState } from '../../fakes/fake-world.ts';
import { smallSurvey } from '../../fakes/small-survey.ts';

const shown = (...about: Parameters<typeof surveyLines>) => render(surveyLines(...about), plainLook);
const survey = smallSurvey(fakeState());

test('a survey is a line a section, and what was read and is empty shares one', () => {
  expect(shown(seen(survey))).toMatchInlineSnapshot(`
    "on it          Debian GNU/Linux 12 (bookworm); Linux 6.1.0 x86_64; up 24 h; systemd; asked as root
    services       2: 2 run
    listens        tcp 22 (sshd)
    connected      1, 0 of them with others
    mounts         / 477 MiB of 954 MiB
    block devices  /dev/sda 954 MiB serial D-1
    addresses      192.0.2.10/24 on eth0
    routes         1; default via 192.0.2.1
    parts          unknown: web01 has no dmidecode, which tells its parts
    load           0.1, 0.1, 0.1 on 2 processors; before that unknown
    none           logged in, last logins, timers, cron, others have, databases, guests, roles
    "
  `);
});

test('who uses the host is named, and lists that are not whole say so', () => {
  const cut = trouble('survey-cut', '"df" did not come to its end', 'Look there.');
  const peer = (address: string, incoming: boolean) => ({
    ...{ proto: 'tcp' as const, local: { address: '192.0.2.10', port: incoming ? 443 : 50_000 } },
    ...{ peer: { address, port: incoming ? 40_001 : 5432 }, incoming, inside: false, process: null, own: false },
  });
  expect(
    shown(
      seen({
        ...survey,
        connections: seen({ rows: [peer('192.0.2.7', true), peer('192.0.2.8', false)], total: 700 }),
        sessions: seen({ rows: [{ user: 'alice', tty: 'pts/0', from: '192.0.2.7', since: '', own: false }], total: 1 }),
        mounts: seen({ rows: [], total: 0, lacks: [cut] }),
        exports: seen({ rows: [{ kind: 'nfs', what: '/srv', offered: ['*'], clients: ['192.0.2.9'] }], total: 1 }),
        roles: seen({
          rows: [{ kind: 'postgresql', name: '', role: 'primary', why: '1 replicas connected, 0 slots' }],
          total: 1,
        }),
        guests: unseen(cut),
      }),
    ),
  ).toMatchInlineSnapshot(`
    "on it          Debian GNU/Linux 12 (bookworm); Linux 6.1.0 x86_64; up 24 h; systemd; asked as root
    services       2: 2 run
    listens        tcp 22 (sshd)
    connected      700, at least 2 of them with others: 192.0.2.7 to port 443, here to 192.0.2.8 port 5432
    logged in      alice at pts/0 from 192.0.2.7
    mounts         not all: "df" did not come to its end
    others have    nfs /srv, 192.0.2.9
    block devices  /dev/sda 954 MiB serial D-1
    guests         unknown: "df" did not come to its end
    roles          postgresql primary (1 replicas connected, 0 slots)
    addresses      192.0.2.10/24 on eth0
    routes         1; default via 192.0.2.1
    parts          unknown: web01 has no dmidecode, which tells its parts
    load           0.1, 0.1, 0.1 on 2 processors; before that unknown
    none           last logins, timers, cron, databases
    "
  `);
});

test('a host that could not be asked is unknown in one line', () => {
  expect(shown(unseen(trouble('timeout', 'web01 does not answer', 'Try again.')))).toBe(
    'on it  unknown: web01 does not answer\n',
  );
});
