import { homedir } from 'node:os';
import { newRedactor, openRunStore, voucherFrom } from './compose.ts';
import type { Invocation } from './invocation.ts';
import type { Finding } from './view/doctor-view.ts';
import type { Workspace } from './workspace.ts';

/** Whether a run's record can be kept as this workspace says: by those who share the state folder, and signed by a person who is listed. Makes the state folder. */
export async function lookAtRecord(
  { environment, now }: Pick<Invocation, 'environment' | 'now'>,
  { state, settings: { group }, allowedSigners }: Workspace,
): Promise<readonly Finding[]> {
  return [stateFolder(state, group), ...(allowedSigners === undefined ? [] : [await signer(allowedSigners)])];

  /** Nothing is signed for it, so nobody is asked for a passphrase. */
  async function signer(path: string): Promise<Finding> {
    const about = 'who signs the log';
    const found = await voucherFrom({
      allowedSigners: path,
      key: environment.DECOM_SIGNING_KEY || undefined,
      home: environment.HOME || homedir(),
      attended: false,
      now: now(),
    });
    return found.ok
      ? { about, state: 'here', needed: true, says: `${found.value.principal}, by a key of yours`, fix: '' }
      : { about, state: 'missing', needed: true, says: found.error.what, fix: found.error.fix };
  }
}

function stateFolder(path: string, group: string | undefined): Finding {
  const about = 'state folder';
  const ready = openRunStore(path, '', newRedactor(), group).prepare();
  return ready.ok
    ? {
        ...{ about, state: 'here', needed: true, fix: '' },
        says: group === undefined ? path : `${path}, shared with the group "${group}"`,
      }
    : { about, state: 'missing', needed: true, says: ready.error.what, fix: ready.error.fix };
}
