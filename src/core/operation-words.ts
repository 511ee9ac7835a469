import { bytesText } from './bytes-text.ts';
import { durationText } from './duration.ts';
import { type Operation, type OperationOf, unknownSources } from './operation.ts';

/**
 * An operation as an operator reads it: what is done, where, and with which arguments. The first line says it; further ones hold the
 * items of a form. Nothing is shortened: a plan must be readable in full.
 */
export function operationWords(operation: Operation): readonly string[] {
  switch (operation.kind) {
    case 'exec':
      return [execWords(operation)];
    case 'copy.archive':
      return [
        `copy ${paths(operation)} from the host into ${target(operation)}, as a tar archive with a manifest${wayOf(operation)}`,
      ];
    case 'copy.rsync': {
      const basis = operation.basis === null ? '' : `; unchanged files become hard links into ${operation.basis}`;
      return [`copy ${paths(operation)} from the host into ${operation.to} here, by rsync with a manifest${basis}`];
    }
    case 'copy.databases':
      return databasesWords(operation);
    case 'copy.restore':
      return unknownSources(operation.on).length > 0
        ? [`restore the copy ${operation.copy} into an empty folder where it is kept`]
        : [`restore the copy ${operation.copy} into the empty folder ${scratch(operation)}`];
    case 'scratch.remove':
      return [`remove the scratch folder ${scratch(operation)}`];
    case 'bmc.power':
      return [powerWords(operation)];
    case 'bmc.locate':
      return [`switch the locator light ${operation.want} by the BMC`];
    case 'bmc.reset':
      return ['have the BMC start anew'];
    case 'inventory.set':
      return [`set ${operation.host} to "${operation.status}" in the inventory`];
    case 'network.cut':
      return [cutWords(operation)];
    case 'network.confirm':
      return ['come back to the host on a new connection, and tell it that it may stay cut off'];
    case 'network.reopen':
      return ['open the network of the host again: take away the rules that cut it off, and no others'];
    case 'disk.free':
      return [
        `take away what is on disk ${operation.disks.map(({ serial }) => serial).join(', ')} of the host: switch off swap, unmount, close encryption, take volume groups and arrays apart, and wipe their labels; only if all of it is on these disks, no program uses it, and the system does not run from it`,
      ];
    case 'disk.erase':
      return [
        `erase disk ${operation.serial} of the host (${bytesText(operation.size)}${operation.wwn === '' ? '' : `, ${operation.wwn}`}): overwrite all of it with zeroes, which clears it; only if its serial, WWN and size are these and nothing is on it`,
      ];
    case 'ask':
      return [
        `${operation.form === 'confirm' ? 'ask' : 'go through a checklist'}: ${operation.title}`,
        ...operation.items.filter((item) => item.text !== operation.title).map((item) => `- ${item.text}`),
      ];
    case 'wait':
      return [`wait until ${operation.until}: ${operation.why}`];
  }
}

function execWords(operation: OperationOf<'exec'>): string {
  const settings = Object.entries(operation.environment ?? {}).map(([name, value]) =>
    typeof value === 'string' ? `${name}=${quoted(value)}` : `${name}=(a secret)`,
  );
  const where = operation.directory === undefined ? '' : ` in ${operation.directory}`;
  const among = settings.length === 0 ? '' : ` with ${settings.join(' ')}`;
  return `run on the host${operation.root ? ' as root' : ''}${where}${among}: ${argvWords(operation.argv)}`;
}

function paths(operation: OperationOf<'copy.archive' | 'copy.rsync'>): string {
  const without = operation.exclude.length === 0 ? '' : ` without ${operation.exclude.map(quoted).join(', ')}`;
  return `${operation.from.map(quoted).join(', ')}${operation.root ? ' (read as root)' : ''}${without}`;
}

function databasesWords({ access, databases, ask, to }: OperationOf<'copy.databases'>): readonly string[] {
  const at = [
    ...(access.socket === undefined ? [] : [`socket ${access.socket}`]),
    ...(access.port === undefined ? [] : [`port ${access.port}`]),
  ];
  const server = `PostgreSQL${at.length === 0 ? '' : ` (${at.join(', ')})`}`;
  return [
    `dump the databases ${databases.map(quoted).join(', ')} of ${server} on the host, as ${access.user} there, into ${to} here, with its logins and the rows of each table as of the moment of its dump`,
    ...ask.map(({ database, sql }) => `- ask ${database}: ${sql}`),
  ];
}

/** A place here is said to be here; one elsewhere names its machine. */
const placeWords = (place: string, on: string): string => (on === 'control' ? `${place} here` : place);
const target = ({ to, on }: OperationOf<'copy.archive'>): string => placeWords(to, on);
const scratch = ({ scratch, on }: OperationOf<'copy.restore' | 'scratch.remove'>): string => placeWords(scratch, on);

function wayOf(operation: OperationOf<'copy.archive'>): string {
  if (operation.on === 'control') return '';
  if (operation.relay === true) return ', by way of this machine';
  return `, straight between the two; for that time ${operation.on} is let in to the host with a key of its own`;
}

function cutWords({ keep, reopen_after }: OperationOf<'network.cut'>): string {
  const kept = keep.length === 0 ? '' : ` and ${keep.join(', ')}`;
  return `cut the host off the network by its firewall, both directions, IPv4 and IPv6, all but the SSH connection that decom comes by${kept}; the host itself opens it again after ${durationText(reopen_after)}, unless decom comes back`;
}

function powerWords({ want, how, after }: OperationOf<'bmc.power'>): string {
  const act =
    want === 'on'
      ? 'switch the power on by the BMC'
      : how === 'soft'
        ? 'have the BMC ask the operating system to shut down'
        : 'cut the power by the BMC';
  return after === undefined ? act : `${act}, if it has not changed ${durationText(after)} later`;
}

/** An argument vector as it would be typed into a POSIX shell; for reading, never for running. */
export const argvWords = (argv: readonly string[]): string => argv.map(quoted).join(' ');

const quoted = (word: string): string =>
  /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
