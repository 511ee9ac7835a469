import { randomBytes } from 'node:crypto';
import type { Bmc, Clock } from '../../core/ports.ts';
import { fail, ok, type Result, type Seen, seen, type Trouble, trouble, unseen } from '../../core/result.ts';
import { type Secret, secret } from '../../core/secret.ts';
import { foreignText } from './foreign-text.ts';
import { guidReadings, swapGuid } from './guid.ts';
import { type IpmitoolEnd, ipmitool } from './ipmitool.ts';
import { cannotTell, cipherZero, declined, noAnswer, oddAnswer, refused, stopped, unanswered } from './trouble.ts';
import { inTurn } from './turns.ts';

export interface IpmiOptions {
  /** Name of the host it belongs to, for messages. */
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly user: string;
  readonly password: Secret;
  readonly clock: Clock;
  /** Milliseconds between two commands: many BMCs hang when they are asked faster. Default 5000. */
  readonly spacing?: number;
  /** The only cipher suite to use. Default: 17, and 3 where the BMC says that it does not know that. */
  readonly suite?: 17 | 3;
}

type Answered = Extract<IpmitoolEnd, { stage: 'answered' }>;

/** Cipher suites: 17 (SHA-256) first, then 3 (SHA-1), and what worked is remembered. Never 0, which takes any password. */
const strong = 17;
const common = 3;

/** A BMC over IPMI 2.0, by ipmitool. Commands go one at a time, with a pause between. */
export function ipmiBmc(options: IpmiOptions): Bmc {
  const { name, address, port, user, password, clock, spacing = 5000 } = options;
  const where = `${address}:${port}`;
  const shown = (text: string) => foreignText(text, [password]);
  const closing = new AbortController();
  let suite: number | undefined;
  let fallen = false;
  let weak: Promise<Seen<readonly Trouble[]>> | undefined;

  async function converse(command: readonly string[], administrator: boolean): Promise<Result<Answered>> {
    const run = async (tried: number) => {
      const privilege = administrator ? 'ADMINISTRATOR' : 'OPERATOR';
      const end = await ipmitool({ address, port, user, password }, tried, command, privilege);
      if (end.stage === 'answered' || end.stage === 'unanswered') suite = tried;
      return end;
    };
    let end = await run(suite ?? options.suite ?? strong);
    // Only where the BMC itself says that it does not know the suite: silence may be somebody else's doing.
    if (suite === undefined && options.suite === undefined && end.stage === 'no-suite') {
      end = await run(common);
      fallen = suite === common;
    }
    return end.stage === 'answered' ? ok(end) : fail(explained(end, command));
  }

  /** One at a time: a second session is what most often upsets a BMC. */
  async function ask(
    command: readonly string[],
    { signal = closing.signal, administrator = false }: { signal?: AbortSignal; administrator?: boolean } = {},
  ): Promise<Result<Answered>> {
    const unfit = unfitPassword(name, password);
    if (unfit !== undefined) return fail(unfit);
    const turn = { key: `ipmi ${where}`, spacing, clock, signal: AbortSignal.any([signal, closing.signal]) };
    return (await inTurn(turn, () => converse(command, administrator))) ?? fail(stopped(name));
  }

  /** Whether suite 0, which checks no password, opens a session: asked with a password that nobody has, for a reading. */
  async function openToAll(): Promise<Seen<readonly Trouble[]>> {
    const nobodys = secret(randomBytes(8).toString('hex'));
    const turn = { key: `ipmi ${where}`, spacing, clock, signal: closing.signal };
    const target = { address, port, user, password: nobodys };
    const end = await inTurn(turn, () => ipmitool(target, 0, ['chassis', 'power', 'status']));
    if (end === undefined) return unseen(stopped(name));
    if (end.stage === 'answered' || end.stage === 'unanswered') return seen([cipherZero(name, where)]);
    if (end.stage === 'no-tool' || end.stage === 'no-answer') return unseen(explained(end, ['mc', 'info']));
    return seen([]);
  }

  function explained(end: Exclude<IpmitoolEnd, Answered>, command: readonly string[]): Trouble {
    switch (end.stage) {
      case 'no-tool':
        return trouble(
          'tool-missing',
          'ipmitool is not installed here',
          'Install it: apt install ipmitool (Debian, Ubuntu), dnf install ipmitool (Fedora, RHEL), brew install ipmitool (macOS).',
        );
      case 'no-answer':
        return noAnswer(name, where, shown(end.stderr));
      case 'suite-ignored':
        return trouble(
          'bmc-suite-ignored',
          `the BMC of ${name} at ${where} is silent when it is asked for cipher suite ${options.suite ?? strong}`,
          'If it is an old one that knows suite 3 only, say so: cipher_suite: 3 in the host’s "bmc" in the hosts file.',
          shown(end.stderr),
        );
      case 'refused':
        return refused(name, where, user, shown(end.stderr));
      case 'unanswered':
        return readOnly(command)
          ? noAnswer(name, where, shown(end.stderr))
          : unanswered(name, `"${command.join(' ')}"`, shown(end.stderr));
      case 'no-suite':
        return trouble(
          'bmc-no-suite',
          `the BMC of ${name} at ${where} accepts ${options.suite === undefined ? 'neither cipher suite 17 nor 3' : `no cipher suite ${options.suite}`}`,
          'Enable suite 17 or 3 at the BMC. Suites without a password check are never used.',
          shown(end.stderr),
        );
      case 'no-session':
        return oddAnswer(name, `answers at ${where}, but no session could be opened`, shown(end.stderr));
    }
  }

  return {
    name,

    async power(): Promise<Seen<'on' | 'off'>> {
      const answer = await ask(['chassis', 'power', 'status']);
      if (!answer.ok) return unseen(answer.error);
      const state = /^Chassis Power is (on|off)\s*$/m.exec(answer.value.stdout)?.[1];
      if (answer.value.ok && state === 'on') return seen('on');
      if (answer.value.ok && state === 'off') return seen('off');
      return unseen(oddAnswer(name, 'gave no power state', said(answer.value)));
    },

    async identity() {
      const guid = await ask(['raw', '0x06', '0x37']);
      // A BMC that cannot be reached need not be asked twice.
      if (!guid.ok) return unseen(guid.error);
      const fru = await ask(['fru', 'print', '0']);
      const [first, ...others] = readGuid(guid.value);
      // The reading least like the first: whoever compares may swap the fields of either.
      const second = others.find((each) => first !== undefined && each !== swapGuid(first)) ?? first;
      const none = unseen(oddAnswer(name, 'gave no GUID', said(guid.value)));
      return seen({
        guid: first === undefined ? none : seen(first),
        guid_swapped: second === undefined ? none : seen(second),
        serial: fru.ok ? readSerial(fru.value) : unseen<string>(fru.error),
      });
    },

    async setPower(want, how, signal) {
      const verb = want === 'on' ? 'on' : how === 'soft' ? 'soft' : 'off';
      const answer = await ask(['chassis', 'power', verb], { signal });
      return accepted(answer, verb === 'soft' ? 'a soft power-off (ACPI)' : `power ${verb}`);
    },

    async indicator() {
      // Get Chassis Status (IPMI 2.0 §28.2); ipmitool prints no word of this part of it.
      const answer = await ask(['raw', '0x00', '0x01']);
      if (!answer.ok) return unseen(answer.error);
      const state = answer.value.ok ? readIdentifyState(answer.value.stdout) : undefined;
      return state === undefined ? unseen(cannotTell(name, said(answer.value))) : seen(state);
    },

    async setIndicator(want, signal) {
      // "force" is until it is told otherwise; without it the light is on for 15 s.
      const answer = await ask(['chassis', 'identify', want === 'on' ? 'force' : '0'], { signal });
      return accepted(answer, `its locator light ${want}`);
    },

    async restart(signal) {
      return accepted(await ask(['mc', 'reset', 'cold'], { signal, administrator: true }), 'a restart of the BMC');
    },

    weaknesses() {
      weak ??= openToAll().then((found) => {
        if (!found.known) weak = undefined;
        return found;
      });
      return weak;
    },

    notes: () => [
      ...(fallen ? ['IPMI cipher suite 3: the BMC does not know suite 17'] : []),
      ...(options.suite === common ? ['IPMI cipher suite 3, as the hosts file says'] : []),
    ],

    async close() {
      closing.abort();
      // Whatever is under way is let end.
      await inTurn(
        { key: `ipmi ${where}`, spacing: 0, clock, signal: new AbortController().signal },
        async () => undefined,
      );
    },
  };

  function accepted(answer: Result<Answered>, what: string): Result<void> {
    if (!answer.ok) return answer;
    return answer.value.ok ? ok(undefined) : fail(declined(name, what, said(answer.value)));
  }

  function said(answer: Answered): string {
    const noise = /^(Loading IANA|Running Get VSO|Invalid completion code received|Discovered IPMB|Get HPM)/;
    const lines = `${answer.stderr}\n${answer.stdout}`.split('\n').filter((line) => !noise.test(line));
    return shown(lines.join(' '));
  }

  function readSerial(answer: Answered): Seen<string> {
    const serial = /^\s*Product Serial\s*: *(\S.*?)\s*$/m.exec(answer.stdout)?.[1];
    if (serial === undefined) return unseen(oddAnswer(name, 'has no product serial in its FRU', said(answer)));
    return seen(foreignText(serial, [password], 100));
  }
}

const readOnly = (command: readonly string[]): boolean =>
  command[2] === 'status' || (command[0] !== 'chassis' && command[1] !== 'reset');

/** The third byte of a chassis status: bit 6 says that bits 5 and 4 tell of the light: 0 is off, else on, for a time or for good. */
function readIdentifyState(stdout: string): 'on' | 'off' | undefined {
  const third = /^\s*[0-9a-f]{2}\s+[0-9a-f]{2}\s+([0-9a-f]{2})\b/i.exec(stdout)?.[1];
  const misc = third === undefined ? 0 : Number.parseInt(third, 16);
  if ((misc & 0x40) === 0) return undefined;
  return (misc & 0x30) === 0 ? 'off' : 'on';
}

/** The readings of `raw 0x06 0x37` (Get System GUID): 16 bytes in hex at the end of the output. */
function readGuid(answer: Answered): readonly string[] {
  const hex = /((?:[0-9a-f]{2}\s+){15}[0-9a-f]{2})\s*$/.exec(answer.stdout)?.[1];
  if (!answer.ok || hex === undefined) return [];
  const bytes = Uint8Array.from(Buffer.from(hex.replace(/\s+/g, ''), 'hex'));
  // All zeros or all ones is "never set", not an identity.
  return bytes.every((byte) => byte === bytes[0]) ? [] : guidReadings(bytes);
}

function unfitPassword(name: string, password: Secret): Trouble | undefined {
  const value = password.reveal();
  if (/[\n\r\0]/.test(value)) {
    return trouble('bmc-password-unfit', `the BMC password of ${name} holds a line break`, 'Correct where it is kept.');
  }
  if (Buffer.byteLength(value) > 20) {
    return trouble(
      'bmc-password-unfit',
      `the BMC password of ${name} is longer than 20 bytes, the most that IPMI 2.0 takes`,
      'Set a shorter one at the BMC, or use Redfish (kind: redfish).',
    );
  }
  return undefined;
}
