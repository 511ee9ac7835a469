import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface IpmiSimOptions {
  /** The DMI UUID of its machine; sent fully reversed, as IPMI 2.0 §20.8 wants it. */
  readonly guid: string;
  readonly user: string;
  readonly password: string;
  /**
   * Path of an executable that is the machine's power: called as `<control> 0x20 get power` (it prints `power:0` or `power:1`),
   * `<control> 0x20 set power 0|1` and `<control> 0x20 set shutdown 1` (a soft power-off). Exit ≠ 0 is a refusal. It runs while the BMC
   * waits, so what it starts must let go of stdin, stdout and stderr.
   */
  readonly control: string;
  /** Product serial in its FRU; without it the BMC has no FRU. */
  readonly serial?: string;
}

export interface IpmiSim {
  readonly port: number;
  stop(): Promise<void>;
}

/** A real IPMI 2.0 BMC (`ipmi_sim` of Debian's openipmi) on 127.0.0.1 and a free UDP port. It knows cipher suite 3, not 17. */
export async function startIpmiSim({ guid, user, password, control, serial }: IpmiSimOptions): Promise<IpmiSim> {
  const folder = await mkdtemp(join(tmpdir(), 'ipmi-sim-'));
  const port = await freeUdpPort();
  const reversed = Buffer.from(guid.replaceAll('-', ''), 'hex').reverse().toString('hex');
  await mkdir(join(folder, 'state'));
  await writeFile(
    join(folder, 'lan.conf'),
    [
      'name "sim"',
      'set_working_mc 0x20',
      '  startlan 1',
      `    addr 127.0.0.1 ${port}`,
      '    priv_limit admin',
      ...['callback', 'user', 'operator', 'admin'].map((level) => `    allowed_auths_${level} none md2 md5 straight`),
      `    guid ${reversed}`,
      '  endlan',
      `  chassis_control "${control} 0x20"`,
      `  user 2 true "${user}" "${password}" admin 10 none md2 md5 straight`,
      '',
    ].join('\n'),
  );
  const fru = serial === undefined ? undefined : fruOf(serial);
  await writeFile(
    join(folder, 'sim.emu'),
    [
      'mc_setbmc 0x20',
      `mc_add 0x20 0 no-device-sdrs 0x23 9 8 ${fru === undefined ? '0x97' : '0x9f'} 0x1291 0xf02 persist_sdr`,
      'sel_enable 0x20 1000 0x0a',
      ...(fru === undefined
        ? []
        : [`mc_add_fru_data 0x20 0 ${fru.length} data ${[...fru].map((b) => `0x${b.toString(16)}`).join(' ')}`]),
      'mc_enable 0x20',
      '',
    ].join('\n'),
  );
  const log = join(folder, 'log');
  const sim = spawn(
    'sh',
    ['-c', 'exec ipmi_sim -n -c "$1/lan.conf" -f "$1/sim.emu" -s "$1/state" >"$2" 2>&1', 'sh', folder, log],
    { stdio: 'ignore' },
  );
  const stop = async () => {
    await ended(sim);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await untilItAnswers(port, sim);
  } catch (error) {
    const said = await readFile(log, 'utf8').catch(() => '');
    await stop();
    throw new Error(`ipmi_sim did not start: ${said}`, { cause: error });
  }
  return { port, stop };
}

async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(0, '127.0.0.1', resolve);
  });
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  return port;
}

/** An RMCP presence ping (ASF 2.0 §3.2.4.2) until a pong comes: no login, no session. */
async function untilItAnswers(port: number, sim: ChildProcess): Promise<void> {
  const ping = Buffer.from([6, 0, 0xff, 6, 0, 0, 0x11, 0xbe, 0x80, 0, 0, 0]);
  const socket = createSocket('udp4');
  try {
    await new Promise<void>((resolve, reject) => {
      const deadline = setTimeout(() => reject(new Error('no pong within five minutes')), 300_000);
      const again = setInterval(() => socket.send(ping, port, '127.0.0.1'), 50);
      const settle = (done: () => void) => {
        clearTimeout(deadline);
        clearInterval(again);
        done();
      };
      socket.once('message', () => settle(resolve));
      socket.on('error', (error) => settle(() => reject(error)));
      sim.once('exit', (code) => settle(() => reject(new Error(`it ended with ${code}`))));
    });
  } finally {
    socket.close();
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGKILL');
  await exit;
}

/** A FRU (Platform Management FRU v1.0) with nothing but a product area that holds the serial. */
function fruOf(serial: string): Uint8Array {
  const field = (text: string) => [0xc0 | text.length, ...Buffer.from(text, 'latin1')];
  const area = [1, 0, 25, ...field('Practice'), ...field('Server'), ...field('P1'), ...field('1'), ...field(serial)];
  area.push(0xc0, 0xc0, 0xc1); // no asset tag, no file id, end
  while (area.length % 8 !== 7) area.push(0);
  area[1] = (area.length + 1) / 8;
  return Uint8Array.from([...checked([1, 0, 0, 0, 1, 0, 0]), ...checked(area)]);
}

const checked = (bytes: readonly number[]): readonly number[] => [
  ...bytes,
  (256 - (bytes.reduce((sum, byte) => sum + byte, 0) % 256)) % 256,
];
