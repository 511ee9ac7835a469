import { isPlaceholder } from '../../core/placeholder.ts';
import { ofFirmware, type Precondition, type PreconditionSource, refused } from '../../core/precondition.ts';
import type { Trouble } from '../../core/result.ts';
import { shellWord as quoted } from '../../core/shell-word.ts';

/**
 * The commands, in one line each, that end the shell before the program begins unless the host is what it must be; then a line `<mark> <group>
 * refused SOURCE SEEN` says what is not. POSIX sh: dash and BusyBox run them. The kernel's own files are read first, by the shell itself,
 * so that what runs often costs no process; where they say something else `hostnamectl` is asked, which is what `host.identity` believes
 * more. The firmware is asked as `host.identity` asks it: the program, then the file; as root, where root is to be had.
 */
export function preconditionSteps(
  precondition: Precondition | undefined,
  how: 'login' | 'sudo' | 'password',
  group: string,
  mark: string,
): readonly string[] {
  if (precondition === undefined) return [];
  const { serial, uuid, machine_id, boot } = precondition;
  return [
    `decom_no() { echo "${mark} ${group} refused $1 $(printf %s "$2" | tr -cd "A-Za-z0-9 ._:/+-" | cut -c1-100)" >&2; exit 1; }`,
    ...(machine_id === undefined ? [] : kernelStep('machine_id', machine_id, '/etc/machine-id', 'Machine ID')),
    ...(boot === undefined ? [] : kernelStep('boot', boot, '/proc/sys/kernel/random/boot_id', 'Boot ID')),
    ...(ofFirmware(precondition) ? [askFirmware(how)] : []),
    ...(uuid === undefined
      ? []
      : [`case "\${decom_f%%|*}" in ${anyCase(uuid.trim())}) ;; *) decom_no uuid "\${decom_f%%|*}";; esac`]),
    ...(serial === undefined
      ? []
      : [`[ "\${decom_f#*|}" = ${quoted(serial.trim())} ] || decom_no serial "\${decom_f#*|}"`]),
    'unset decom_v decom_f decom_l5',
  ];
}

function kernelStep(source: 'machine_id' | 'boot', value: string, file: string, field: string): readonly string[] {
  const bare = value.trim().replaceAll('-', '');
  const dashed = bare.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  const is = [bare, dashed].map(anyCase).join(' | ');
  return [
    `decom_v=; { read -r decom_v <${file}; } 2>/dev/null`,
    `case "$decom_v" in ${is}) ;; *) decom_l5=; command -v timeout >/dev/null 2>&1 && decom_l5="timeout 5"`,
    `decom_f=$(LC_ALL=C $decom_l5 hostnamectl status 2>/dev/null </dev/null | sed -n "s/^ *${field}: *//p")`,
    `case "\${decom_f:=$decom_v}" in ${is}) ;; *) decom_no ${source} "$decom_f";; esac;; esac`,
  ];
}

/** Fills `decom_f` with `UUID|SERIAL`, as far as they are told. */
function askFirmware(how: 'login' | 'sudo' | 'password'): string {
  const plain = `decom_f=$(${readFirmware})`;
  const bySudo = `decom_f=$(LC_ALL=C sudo -n -- sh -c ${quoted(readFirmware)} 2>/dev/null </dev/null)`;
  // A login that is not root reads less than was read by sudo, and then needs it here too.
  if (how === 'login') return `${plain}; case "$decom_f" in *"|" | "|"*) ${bySudo};; esac`;
  return how === 'sudo' ? bySudo : plain;
}

// As in `host.identity`: the first line that is neither empty nor a remark, with what stands around it cut off.
const firstLine = 'sed -n "/^#/d; /[^[:space:]]/{s/^[[:space:]]*//; s/[[:space:]]*\\$//; p; q;}"';
const ask = (keyword: string, file: string): string =>
  `o=$($l dmidecode -s ${keyword} 2>&1 </dev/null) || o=; r=$(echo "$o" | ${firstLine}); [ -n "$r" ] || r=$(${firstLine} /sys/class/dmi/id/${file} 2>/dev/null)`;
const readFirmware = [
  'LC_ALL=C PATH=$PATH:/usr/sbin:/sbin; export LC_ALL PATH; l=; command -v timeout >/dev/null 2>&1 && l="timeout 5"',
  ask('system-uuid', 'product_uuid'),
  'u=$r',
  ask('system-serial-number', 'product_serial'),
  'echo "$u|$r"',
].join('; ');

/** A pattern of `case` for a word in small and in capital letters. */
const anyCase = (word: string): string =>
  [...word]
    .map((c) => (/[a-z]/i.test(c) ? `[${c.toLowerCase()}${c.toUpperCase()}]` : /[0-9-]/.test(c) ? c : quoted(c)))
    .join('');

/** What of a precondition did not hold, and what the host said instead; empty where it said nothing. */
export interface Refused {
  readonly source: PreconditionSource;
  readonly seen: string;
}

/** What stands behind the mark where it does not hold. */
export const refusalPattern = 'refused (?:serial|uuid|machine_id|boot)(?: [A-Za-z0-9 ._:/+-]{0,100})?';

/** Why nothing was begun. A placeholder tells nothing of the machine. */
export function refusal(host: string, precondition: Precondition, { source, seen }: Refused): Trouble {
  const told = seen.trim();
  return refused(host, source, precondition, told === '' || isPlaceholder(told) ? null : told);
}
