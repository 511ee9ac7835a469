import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What the practice machine says of itself. */
export interface PracticeIdentity {
  readonly name: string;
  readonly serial: string;
  readonly uuid: string;
  readonly machineId: string;
}

/** Programs that are put through to the machine's service manager. */
export const managed = ['systemctl', 'poweroff', 'halt', 'reboot', 'shutdown', 'init', 'telinit'] as const;

/**
 * Writes the programs that stand in for those that ask or change the real computer: they come first on the practice machine's PATH,
 * so a runbook reads the practice machine's identity, and switches nothing off but it. Written anew at every boot.
 */
export function writeStandIns(options: {
  readonly folder: string;
  readonly identity: PracticeIdentity;
  readonly bootId: string;
  /** The program that reaches the service manager. */
  readonly askInit: string;
}): void {
  const { folder, identity, bootId } = options;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const put = (name: string, text: string): void =>
    writeFileSync(join(folder, name), `#!/bin/sh\n${text}`, { mode: 0o755 });
  const askInit = join(folder, 'ask-init.cjs');
  writeFileSync(askInit, options.askInit, { mode: 0o700 });
  const toInit = (name: string, argv: string): string =>
    `unset NODE_OPTIONS NODE_EXTRA_CA_CERTS\nexec ${quoted(process.execPath)} ${quoted(askInit)} ${name} ${argv}\n`;
  for (const name of managed) put(name, toInit(name, '"$@"'));
  put('dmidecode', dmidecode(identity));
  put('hostnamectl', hostnamectl(identity, bootId));
  put('lsblk', lsblk(identity));
  put('hostname', `echo ${quoted(identity.name)}\n`);
  put('id', id);
  put(surveyProgram, toInit(surveyProgram, '"$SSH_CONNECTION" "$@"'));
  // Its network is the computer's own, and is cut off for nobody.
  for (const name of ['nft', 'iptables', 'iptables-restore', 'ip6tables', 'ip6tables-restore']) {
    put(name, `echo "${name}: not on the practice machine" >&2\nexit 1\n`);
  }
}

/** The program that answers the survey of the practice machine: its name in the folder of the stand-ins. */
export const surveyProgram = 'decom-survey';

/** A text as one word of a POSIX shell. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

const dmidecode = ({ serial, uuid }: PracticeIdentity): string => `case "$1" in
-s|--string)
  case "$2" in
  system-serial-number) echo ${quoted(serial)} ;;
  system-uuid) echo ${quoted(uuid)} ;;
  system-manufacturer|baseboard-manufacturer|chassis-manufacturer) echo 'decom' ;;
  system-product-name|baseboard-product-name) echo 'Practice Machine' ;;
  baseboard-serial-number|chassis-serial-number) echo ${quoted(`${serial}-B`)} ;;
  bios-vendor) echo 'decom' ;;
  bios-version|system-version) echo '1' ;;
  bios-release-date) echo '01/01/2026' ;;
  *) echo "Invalid string keyword: $2" >&2; exit 2 ;;
  esac ;;
''|-t|--type)
  cat <<'END'
# dmidecode 3.4
Handle 0x0100, DMI type 1, 27 bytes
System Information
	Manufacturer: decom
	Product Name: Practice Machine
	Serial Number: ${serial}
	UUID: ${uuid}
END
  ;;
*) echo "dmidecode: unrecognized option '$1'" >&2; exit 2 ;;
esac
`;

const hostnamectl = ({ name, machineId }: PracticeIdentity, bootId: string): string => {
  const boot = bootId.replaceAll('-', '');
  const json = JSON.stringify({ Hostname: name, StaticHostname: name, MachineID: machineId, BootID: boot });
  return `for word in "$@"; do
  case "$word" in
  --json=*|-j) printf '%s\\n' ${quoted(json)}; exit 0 ;;
  hostname) echo ${quoted(name)}; exit 0 ;;
  status|--no-ask-password|--static) ;;
  *) echo "Unknown command verb $word." >&2; exit 1 ;;
  esac
done
cat <<'END'
   Static hostname: ${name}
         Icon name: computer-server
           Chassis: server
        Machine ID: ${machineId}
           Boot ID: ${boot}
  Operating System: Practice Linux
   Hardware Vendor: decom
    Hardware Model: Practice Machine
END
`;
};

// The disk has a name that no kernel gives: a command aimed at it can never meet a disk of the computer underneath.
const lsblk = ({ serial }: PracticeIdentity): string => {
  const disk = { name: 'practice0', path: '/dev/practice0', type: 'disk', size: 10737418240, serial: `${serial}-D0` };
  const json = JSON.stringify({ blockdevices: [{ ...disk, wwn: null, model: 'Practice Disk', mountpoints: ['/'] }] });
  return `for word in "$@"; do
  case "$word" in
  --json|-J*) printf '%s\\n' ${quoted(json)}; exit 0 ;;
  esac
done
cat <<'END'
NAME      TYPE SIZE SERIAL
practice0 disk 10G  ${disk.serial}
END
`;
};

// The login is root on the practice machine, whoever runs it: "id" says so, other questions go to the real program.
const id = `case "$*" in
'') echo 'uid=0(root) gid=0(root) groups=0(root)' ;;
-u|-g|-G|-ru|-rg) echo 0 ;;
-un|-gn|-Gn|-nu|-ng) echo root ;;
*) PATH=\${PATH#*:}; exec id "$@" ;;
esac
`;
