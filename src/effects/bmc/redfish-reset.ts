import type { JsonObject } from '../../core/json.ts';
import { fail, ok, type Result, trouble } from '../../core/result.ts';
import { foreignText } from './foreign-text.ts';
import { linkIn, objectIn, objectsIn, textIn } from './json-in.ts';
import { type RedfishAnswer, retryAfter } from './redfish-client.ts';
import type { InSession, Looked } from './redfish-session.ts';
import { declined, oddAnswer, unanswered } from './trouble.ts';

type ResetType = 'On' | 'ForceOff' | 'GracefulShutdown';

/** How long a task is followed, in milliseconds. A graceful shutdown may take as long as the operating system likes. */
const followed = 30_000;

/** Asks for a reset of the system, after a look at what it allows. Ok once accepted, even if its task still runs. */
export async function resetSystem(inside: InSession, system: Looked, type: ResetType): Promise<Result<void>> {
  const { name } = inside;
  const action = objectIn(objectIn(system.body, 'Actions'), '#ComputerSystem.Reset');
  if (textIn(action, 'target') === undefined) return fail(oddAnswer(name, 'offers no way to switch this system'));
  const allowed = await allowedTypes(inside, action);
  if (!allowed.ok) return allowed;
  if (allowed.value !== undefined && !allowed.value.includes(type)) {
    return fail(
      trouble(
        'bmc-not-allowed',
        `the BMC of ${name} does not offer ${type}; it offers ${foreignText(allowed.value.join(', '), []) || 'nothing'}`,
        type === 'GracefulShutdown'
          ? 'Shut the operating system down over SSH, or let the runbook cut the power (hard).'
          : 'Do it at the web page of the BMC, then resume.',
      ),
    );
  }
  return post(inside, system, action, type);
}

/** Has the BMC itself start anew: gracefully where it offers that. */
export async function resetManager(inside: InSession, manager: Looked): Promise<Result<void>> {
  const action = objectIn(objectIn(manager.body, 'Actions'), '#Manager.Reset');
  if (textIn(action, 'target') === undefined) return fail(oddAnswer(inside.name, 'offers no way to restart itself'));
  const allowed = await allowedTypes(inside, action);
  if (!allowed.ok) return allowed;
  const type = ['GracefulRestart', 'ForceRestart'].find((each) => allowed.value?.includes(each) ?? true);
  if (type === undefined) {
    const offer = foreignText(allowed.value?.join(', ') ?? '', []) || 'nothing';
    return fail(
      trouble(
        'bmc-not-allowed',
        `the BMC of ${inside.name} does not offer to restart itself; it offers ${offer}`,
        'Do it at the web page of the BMC, and leave this step out.',
      ),
    );
  }
  return post(inside, manager, action, type);
}

async function post(
  inside: InSession,
  of: Looked,
  action: JsonObject | undefined,
  type: string,
): Promise<Result<void>> {
  const { name, client, token, signal } = inside;
  const ask = (headers?: { readonly [name: string]: string }) =>
    client.send('POST', textIn(action, 'target') ?? '', {
      token,
      signal,
      body: { ResetType: type },
      changes: type,
      ...(headers === undefined ? {} : { headers }),
    });
  let answer = await ask();
  if (answer.ok && answer.value.status === 428) {
    // It wants to know that we speak of the system as it is now. It has done nothing yet.
    if (of.etag !== undefined) answer = await ask({ 'if-match': of.etag });
  }
  if (!answer.ok) return answer;
  const { status, said } = answer.value;
  if (status === 202) return follow(inside, answer.value, type);
  if (status >= 200 && status < 300) return ok(undefined);
  // 500 and gateway errors can come after the deed; 501 and 503 say that it was not begun.
  if (status >= 500 && status !== 501 && status !== 503) return fail(unanswered(name, type, `${status} ${said}`));
  return fail(declined(name, type, `${status} ${said}`));
}

/** The reset types that are allowed, from the action itself or its ActionInfo; undefined where the BMC does not say. */
async function allowedTypes(
  { look }: InSession,
  action: JsonObject | undefined,
): Promise<Result<readonly string[] | undefined>> {
  const inline = texts(action?.['ResetType@Redfish.AllowableValues']);
  if (inline !== undefined) return ok(inline);
  const info = linkIn(action, '@Redfish.ActionInfo') ?? textIn(action, '@Redfish.ActionInfo');
  if (info === undefined) return ok(undefined);
  const answer = await look(info);
  if (!answer.ok) return answer;
  const parameter = objectsIn(answer.value.body, 'Parameters').find((each) => each.Name === 'ResetType');
  return ok(texts(parameter?.AllowableValues));
}

const texts = (value: unknown): readonly string[] | undefined =>
  Array.isArray(value) ? value.filter((each) => typeof each === 'string') : undefined;

/** Follows the task of an accepted reset for a while: only an end in failure counts against it. */
async function follow(inside: InSession, accepted: RedfishAnswer, type: string): Promise<Result<void>> {
  const { name, client, token, clock, signal } = inside;
  let monitor = accepted.headers.location ?? textIn(accepted.body, '@odata.id');
  let last = accepted;
  const until = clock.monotonic() + followed;
  while (monitor !== undefined && !signal.aborted) {
    const wait = Math.min(10_000, retryAfter(last.headers['retry-after'], clock) ?? 1000);
    if (clock.monotonic() + wait > until) return ok(undefined);
    await clock.sleep(wait, signal).catch(() => undefined);
    if (signal.aborted) return ok(undefined);
    const answer = await client.send('GET', monitor, { token });
    // It was accepted, and the power state will tell the rest.
    if (!answer.ok) return ok(undefined);
    last = answer.value;
    const state = textIn(last.body, 'TaskState');
    const failed = state !== undefined && ['Exception', 'Killed', 'Cancelled', 'Interrupted'].includes(state);
    // 404: a monitor that has told its end already.
    if ((last.status >= 400 && last.status !== 404) || failed) {
      return fail(declined(name, type, foreignText(`${last.status} ${state ?? ''} ${last.said}`, [])));
    }
    const running = last.status === 202 || (state !== undefined && !['Completed'].includes(state));
    if (!running) return ok(undefined);
    monitor = last.headers.location ?? monitor;
  }
  return ok(undefined);
}
