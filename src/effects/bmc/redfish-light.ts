import type { JsonObject } from '../../core/json.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import { objectIn, objectsIn, textIn } from './json-in.ts';
import type { InSession, Looked } from './redfish-session.ts';
import { cannotTell, declined, oddAnswer, unanswered } from './trouble.ts';

/** A locator light: the resource that holds it, and whether it is on. */
export interface Light {
  readonly at: Looked;
  readonly state: 'on' | 'off';
}

/** The light of a system: its own, or that of its chassis if only one has any. */
export async function findLight(session: InSession, system: Looked): Promise<Result<Light>> {
  const { name, look } = session;
  const own = lightOf(system);
  if (own !== undefined) return ok(own);
  const lights: Light[] = [];
  for (const chassis of objectsIn(objectIn(system.body, 'Links'), 'Chassis').slice(0, 8)) {
    const link = textIn(chassis, '@odata.id');
    if (link === undefined) continue;
    const read = await look(link);
    if (!read.ok) return read;
    const light = lightOf(read.value);
    if (light !== undefined) lights.push(light);
  }
  const [only, ...others] = lights;
  if (only !== undefined && others.length === 0) return ok(only);
  return fail(only === undefined ? cannotTell(name) : oddAnswer(name, `names ${lights.length} locator lights`));
}

/** `LocationIndicatorActive`, or `IndicatorLED` on services older than it. Anything but a clear word is no state. */
function lightOf(at: Looked): Light | undefined {
  const { LocationIndicatorActive: active, IndicatorLED: led } = at.body;
  if (typeof active === 'boolean') return { at, state: active ? 'on' : 'off' };
  if (led === 'Off') return { at, state: 'off' };
  return led === 'Lit' || led === 'Blinking' ? { at, state: 'on' } : undefined;
}

/**
 * Switches a light by PATCH, naming the ETag of what was read. Where the resource changed in between (412), nothing was done: it is read
 * and asked once more.
 */
export async function switchLight(session: InSession, light: Light, want: 'on' | 'off'): Promise<Result<void>> {
  const { name, client, token, signal } = session;
  const changes = `its locator light ${want}`;
  const ask = ({ link, body, etag }: Looked) =>
    client.send('PATCH', link, {
      token,
      changes,
      signal,
      body: wish(body, want),
      ...(etag === undefined ? {} : { headers: { 'if-match': etag } }),
    });
  let answer = await ask(light.at);
  if (answer.ok && (answer.value.status === 412 || answer.value.status === 428)) {
    const again = await session.look(light.at.link);
    if (!again.ok) return again;
    answer = await ask(again.value);
  }
  if (!answer.ok) return answer;
  const { status, said } = answer.value;
  if (status >= 200 && status < 300) return ok(undefined);
  if (status >= 500 && status !== 501 && status !== 503) return fail(unanswered(name, changes, `${status} ${said}`));
  return fail(declined(name, changes, `${status} ${said}`));
}

function wish(body: JsonObject, want: 'on' | 'off'): JsonObject {
  if (typeof body.LocationIndicatorActive === 'boolean') return { LocationIndicatorActive: want === 'on' };
  if (want === 'off') return { IndicatorLED: 'Off' };
  const allowed = body['IndicatorLED@Redfish.AllowableValues'];
  const steady = Array.isArray(allowed) && !allowed.includes('Blinking');
  return { IndicatorLED: steady ? 'Lit' : 'Blinking' };
}
