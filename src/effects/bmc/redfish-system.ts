import { fail, type Result, trouble } from '../../core/result.ts';
import { foreignText } from './foreign-text.ts';
import { linkIn, objectIn, objectsIn, textIn } from './json-in.ts';
import type { InSession, Looked } from './redfish-session.ts';
import { oddAnswer } from './trouble.ts';

/** Greatest number of members and of pages that are looked through; a chassis of blades has some dozens. */
const most = 64;

/** The computer system that is meant: the one with this Id, or the only one. Never just the first. */
export async function findSystem(session: InSession, id: string | undefined): Promise<Result<Looked>> {
  const { name, look } = session;
  const links = await membersOf(session, 'Systems');
  if (!links.ok) return links;
  const only = links.value[0];
  if (only === undefined) return fail(oddAnswer(name, 'manages no computer system'));
  if (id === undefined && links.value.length === 1) return look(only);

  const ids: string[] = [];
  for (const link of links.value.slice(0, most)) {
    const member = await look(link);
    if (!member.ok) return member;
    const its = textIn(member.value.body, 'Id') ?? '';
    if (id !== undefined && its === id) return member;
    ids.push(foreignText(its, [], 60));
  }
  const list = ids.join(', ');
  return fail(
    id === undefined
      ? trouble(
          'bmc-several-systems',
          `the BMC of ${name} manages ${links.value.length} systems: ${list}`,
          'Say which one is this host: "system" in the host’s "bmc" in the hosts file.',
        )
      : trouble(
          'bmc-no-system',
          `the BMC of ${name} manages no system "${id}"; it has: ${list}`,
          'Correct "system" in the host’s "bmc" in the hosts file.',
        ),
  );
}

/** The manager of a system: the one it is linked with, or the only one there is. */
export async function findManager(session: InSession, system: Looked): Promise<Result<Looked>> {
  const linked = objectsIn(objectIn(system.body, 'Links'), 'ManagedBy').flatMap(
    (one) => textIn(one, '@odata.id') ?? [],
  );
  const members = linked.length > 0 ? { ok: true as const, value: linked } : await membersOf(session, 'Managers');
  if (!members.ok) return members;
  const [only, ...others] = members.value;
  if (only !== undefined && others.length === 0) return session.look(only);
  const said = only === undefined ? 'names no manager of this system' : 'names several managers of this system';
  return fail(oddAnswer(session.name, said));
}

/** The links of a collection that the service root names, through all its pages. */
async function membersOf({ root, look }: InSession, collection: string): Promise<Result<readonly string[]>> {
  const links: string[] = [];
  let page = linkIn(root, collection);
  for (let pages = 0; page !== undefined && pages < most && links.length < most; pages++) {
    const read: Result<Looked> = await look(page);
    if (!read.ok) return read;
    links.push(...objectsIn(read.value.body, 'Members').flatMap((member) => textIn(member, '@odata.id') ?? []));
    page = textIn(read.value.body, 'Members@odata.nextLink');
  }
  return { ok: true, value: links };
}
