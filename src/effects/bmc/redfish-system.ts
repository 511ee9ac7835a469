import type { JsonObject } from '../../core/json.ts';
import { fail, ok, type Result, trouble } from '../../core/result.ts';
import { foreignText } from './foreign-text.ts';
import { linkIn, objectsIn, textIn } from './redfish-client.ts';
import { oddAnswer } from './trouble.ts';

/** Greatest number of systems and of pages that are looked through; a chassis of blades has some dozens. */
const most = 64;

/** The computer system that is meant: the one with this Id, or the only one. Never just the first. */
export async function findSystem(
  name: string,
  get: (link: string) => Promise<Result<JsonObject>>,
  root: JsonObject,
  id: string | undefined,
): Promise<Result<JsonObject>> {
  const links: string[] = [];
  let page = linkIn(root, 'Systems');
  if (page === undefined) return fail(oddAnswer(name, 'manages no computer system'));
  for (let pages = 0; page !== undefined && pages < most && links.length < most; pages++) {
    const collection: Result<JsonObject> = await get(page);
    if (!collection.ok) return collection;
    links.push(...objectsIn(collection.value, 'Members').flatMap((member) => textIn(member, '@odata.id') ?? []));
    page = textIn(collection.value, 'Members@odata.nextLink');
  }
  const only = links[0];
  if (only === undefined) return fail(oddAnswer(name, 'manages no computer system'));
  if (id === undefined && links.length === 1) return get(only);

  const ids: string[] = [];
  for (const link of links.slice(0, most)) {
    const member = await get(link);
    if (!member.ok) return member;
    const its = textIn(member.value, 'Id') ?? '';
    if (id !== undefined && its === id) return ok(member.value);
    ids.push(foreignText(its, [], 60));
  }
  const list = ids.join(', ');
  return fail(
    id === undefined
      ? trouble(
          'bmc-several-systems',
          `the BMC of ${name} manages ${links.length} systems: ${list}`,
          'Say which one is this host: "system" in the host’s "bmc" in the hosts file.',
        )
      : trouble(
          'bmc-no-system',
          `the BMC of ${name} manages no system "${id}"; it has: ${list}`,
          'Correct "system" in the host’s "bmc" in the hosts file.',
        ),
  );
}
