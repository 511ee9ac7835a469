import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Survey } from '../../src/core/survey.ts';
import { wholly } from '../../src/core/survey.ts';
import { surveyProbe } from '../../src/effects/host/survey.ts';
import type { MachineUnderTest } from './machine.ts';

/** What a survey of this computer tells, whoever carries the question. `ssh`: a real server is in between, and its connection is to be found. */
export function surveyContract(
  name: string,
  make: () => Promise<MachineUnderTest>,
  { ssh, root }: { readonly ssh: boolean; readonly root: boolean },
): void {
  describe(`the survey over ${name}`, () => {
    let under: MachineUnderTest;
    let server: Server;
    let client: Socket;
    let port: number;
    let survey: Survey;
    beforeAll(async () => {
      under = await make();
      server = createServer(() => {});
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      port = (server.address() as AddressInfo).port;
      client = connect(port, '127.0.0.1');
      await once(client, 'connect');
      const seen = await surveyProbe(under.machine)({ kind: 'host.survey' });
      if (!seen.known) throw new Error(seen.trouble.what);
      survey = seen.value;
    });
    afterAll(async () => {
      client.destroy();
      server.close();
      await under.machine.close();
      await under.close();
    });

    it('says whether it was asked as root, and the boot id of the host', () => {
      expect(survey.root).toBe(root);
      expect(survey.identity).toMatchObject({ known: true, value: { boot_id: { known: true } } });
      expect(survey.os).toMatchObject({ known: true, value: { kernel: expect.stringMatching(/^Linux /) } });
    });

    it('finds a socket that listens, with its process', () => {
      const found = survey.listeners.known
        ? survey.listeners.value.rows.find(({ at }) => at.port === port && at.address === '127.0.0.1')
        : undefined;
      expect(found).toMatchObject({ proto: 'tcp', process: root ? { pid: process.pid } : null });
    });

    it('finds both ends of a live connection, and tells which came in', () => {
      const rows = survey.connections.known ? survey.connections.value.rows : [];
      const ends = rows.filter(({ local, peer }) => local.port === port || peer.port === port);
      expect(ends.map(({ incoming }) => incoming).sort()).toEqual([false, true]);
      for (const end of ends) expect(end).toMatchObject({ inside: true, own: false });
    });

    it('knows its own connection from those of others', () => {
      const rows = survey.connections.known ? survey.connections.value.rows : [];
      expect(rows.filter(({ own }) => own)).toHaveLength(ssh ? 1 : 0);
    });

    it('reads what is mounted, and that nothing is left unsaid', () => {
      const mounts = wholly(survey.mounts);
      expect(mounts?.find(({ target }) => target === '/')).toMatchObject({ remote: false, size: expect.any(Number) });
    });

    it(root ? 'lacks no process of a socket' : 'says that processes of others need root', () => {
      const lacks = survey.connections.known ? (survey.connections.value.lacks ?? []) : [];
      expect(lacks.map(({ code }) => code)).toEqual(root ? [] : ['needs-root']);
    });
  });
}
