import type { Bmc, Clock } from '../../core/ports.ts';
import { fail, ok, type Result, type Seen, seen, type Trouble, trouble, unseen } from '../../core/result.ts';
import type { Secret } from '../../core/secret.ts';
import { foreignText } from './foreign-text.ts';
import { guidReadings, swapGuid } from './guid.ts';
import { type IpmitoolEnd, ipmitool } from './ipmitool.ts';
import { declined, noAnswer, oddAnswer, refused, stopped, unanswered } from './trouble.ts';

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
}

type Answered = Extract<IpmitoolEnd, { stage: 'answered' }>;

/** Cipher suites: 17 (SHA-256) first, then 3 (SHA-1), and what worked is remembered. Never 0, which takes any password. */
const strong = 17;
const common = 3;

/** A BMC over IPMI 2.0, by ipmitool. Commands go one at a time, with a pause between. */
export function ipmiBmc({ name, address, port, user, password, clock, spacing = 5000 }: IpmiOptions): Bmc {
  const where = `${address}:${port}`;
  const shown = (text: string) => foreignText(text, [password]);
  const closing = new AbortController();
  let suite: number | undefined;
  let last: number | undefined;
  let queue: Promise<unknown> = Promise.resolve();

  async function converse(command: readonly string[], signal: AbortSignal): Promise<Result<Answered>> {
    const unfit = unfitPassword(name, password);
    if (unfit !== undefined) return fail(unfit);
    if (last !== undefined) await pause(clock, last + spacing - clock.monotonic(), signal);
    if (signal.aborted) return fail(stopped(name));
    const run = async (tried: number) => {
      const end = await ipmitool({ address, port, user, password }, tried, command);
      last = clock.monotonic();
      if (end.stage === 'answered' || end.stage === 'unanswered') suite = tried;
      return end;
    };
    let end = await run(suite ?? strong);
    if (suite === undefined && (end.stage === 'no-suite' || end.stage === 'suite-ignored')) end = await run(common);
    return end.stage === 'answered' ? ok(end) : fail(explained(end, command));
  }

  /** One at a time: a second session is what most often upsets a BMC. */
  function ask(command: readonly string[], signal = closing.signal): Promise<Result<Answered>> {
    const turn = queue.then(() => converse(command, AbortSignal.any([signal, closing.signal])));
    queue = turn.catch(() => undefined);
    return turn;
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
      case 'suite-ignored':
        return noAnswer(name, where, shown(end.stderr));
      case 'refused':
        return refused(name, where, user, shown(end.stderr));
      case 'unanswered':
        return readOnly(command)
          ? noAnswer(name, where, shown(end.stderr))
          : unanswered(name, `"${command.join(' ')}"`, shown(end.stderr));
      case 'no-suite':
        return trouble(
          'bmc-no-suite',
          `the BMC of ${name} at ${where} accepts neither cipher suite 17 nor 3`,
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
      const answer = await ask(['chassis', 'power', verb], signal);
      if (!answer.ok) return answer;
      if (answer.value.ok) return ok(undefined);
      const fallen = verb === 'soft' ? 'a soft power-off (ACPI)' : `power ${verb}`;
      return fail(declined(name, fallen, said(answer.value)));
    },

    async close() {
      closing.abort();
      await queue;
    },
  };

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

const readOnly = (command: readonly string[]): boolean => command[0] !== 'chassis' || command[2] === 'status';

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

async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0) return;
  try {
    await clock.sleep(ms, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
