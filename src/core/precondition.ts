import { type Trouble, trouble } from './result.ts';

/**
 * What a host must say of itself, in the very command that begins a program there, before the program begins. Each value is as `host.identity`
 * gives it; what is absent is not asked.
 */
export interface Precondition {
  readonly serial?: string;
  readonly uuid?: string;
  readonly machine_id?: string;
  /** `/proc/sys/kernel/random/boot_id` of the boot in which the host was last found to be the one in the inventory. */
  readonly boot?: string;
}

export type PreconditionSource = keyof Precondition;

/** Which of them needs root, and a program or a file of the firmware. */
export const ofFirmware = ({ serial, uuid }: Precondition): boolean => serial !== undefined || uuid !== undefined;

const names: { readonly [source in PreconditionSource]: string } = {
  serial: 'serial',
  uuid: 'UUID',
  machine_id: 'machine-id',
  boot: 'boot id',
};

/** A precondition as an operator reads it. */
export function preconditionWords({ serial, uuid, machine_id, boot }: Precondition): string {
  const is = [
    ...(serial === undefined ? [] : [`its serial is ${serial}`]),
    ...(uuid === undefined ? [] : [`its UUID is ${uuid}`]),
    ...(machine_id === undefined ? [] : [`its machine-id is ${machine_id}`]),
    ...(boot === undefined ? [] : [`its boot id is ${boot}`]),
  ];
  return `only if the host says, in the same command, that ${is.join(', ')}`;
}

/** Why a program was not begun: `source` is not what it must be. `seen` is null where the host did not tell it. */
export function refused(
  host: string,
  source: PreconditionSource,
  precondition: Precondition,
  seen: string | null,
): Trouble {
  const wanted = precondition[source] ?? '';
  const nothing = `nothing was begun on ${host}`;
  if (seen === null) {
    return trouble(
      'identity-unread',
      `${nothing}: it did not tell its ${names[source]}, which was "${wanted}" when its identity was last looked at`,
      'Make it readable again (as root: dmidecode, /sys/class/dmi/id), then go on with: decom resume',
    );
  }
  if (source === 'boot') {
    return trouble(
      'restarted-since',
      `${nothing}: it was restarted since its identity was last looked at (boot id "${wanted}", now "${seen}")`,
      'Find out why. Then go on with: decom resume. It looks at the identity anew; what was proved of the earlier boot does not count any more.',
    );
  }
  return trouble(
    'another-machine',
    `${nothing}: another machine answers there now (${names[source]} "${wanted}" was expected, "${seen}" was seen)`,
    `Compare the label on the machine with the inventory entry of ${host}, and see where its address leads. Then go on with: decom resume`,
  );
}

/** Codes of trouble that mean so. */
export const refusals: readonly string[] = ['identity-unread', 'restarted-since', 'another-machine'];
