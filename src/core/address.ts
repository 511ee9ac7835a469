/** An IP address as its family and its number. */
export interface IpAddress {
  readonly family: 4 | 6;
  readonly value: bigint;
}

/** The addresses whose first `bits` bits are those of `value`. */
export interface IpNetwork extends IpAddress {
  readonly bits: number;
}

/** `192.0.2.4`, `2001:db8::4`; an IPv4 address that is written as IPv6 (`::ffff:192.0.2.4`) counts as what it is. No zone, no octal numbers. */
export function ipAddress(text: string): IpAddress | undefined {
  const four = fourOf(text);
  if (four !== undefined) return { family: 4, value: four };
  const six = sixOf(text);
  if (six === undefined) return undefined;
  return six >> 32n === 0xffffn ? { family: 4, value: six & 0xffff_ffffn } : { family: 6, value: six };
}

/** An address, or a network in CIDR whose bits behind the prefix are all zero: `192.0.2.0/24`, never `192.0.2.4/24`. */
export function ipNetwork(text: string): IpNetwork | undefined {
  const [, of = '', length] = /^([^/]+)(?:\/(0|[1-9]\d{0,2}))?$/.exec(text) ?? [];
  const address = ipAddress(of);
  if (address === undefined) return undefined;
  // A prefix of an address that is written in the other family's form would count other bits than are meant.
  if (length !== undefined && address.family === 4 && of.includes(':')) return undefined;
  const bits = Number(length ?? widthOf(address));
  if (bits > widthOf(address) || address.value !== (address.value >> rest(address, bits)) << rest(address, bits))
    return undefined;
  return { ...address, bits };
}

/** Whether an address lies in a network. `192.0.2.4` is not `192.0.2.40`. */
export const isWithin = (address: IpAddress, network: IpNetwork): boolean =>
  address.family === network.family &&
  address.value >> rest(network, network.bits) === network.value >> rest(network, network.bits);

/** Of 127.0.0.0/8, or ::1. */
export const isLoopback = ({ family, value }: IpAddress): boolean =>
  family === 4 ? value >> 24n === 127n : value === 1n;

const widthOf = ({ family }: IpAddress): number => (family === 4 ? 32 : 128);
const rest = (address: IpAddress, bits: number): bigint => BigInt(widthOf(address) - bits);

function fourOf(text: string): bigint | undefined {
  const bytes = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1);
  // 010 is eight to some programs and ten to others.
  if (bytes === undefined || bytes.some((byte) => Number(byte) > 255 || /^0\d/.test(byte))) return undefined;
  return bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

function sixOf(text: string): bigint | undefined {
  if (!/^[0-9a-fA-F:.]+$/.test(text) || !text.includes(':')) return undefined;
  const [, head = text, tail = ''] = /^(.*:)([^:]*\.[^:]*)$/.exec(text) ?? [];
  const four = tail === '' ? undefined : fourOf(tail);
  if (tail !== '' && four === undefined) return undefined;
  const words = four === undefined ? text : `${head}${(four >> 16n).toString(16)}:${(four & 0xffffn).toString(16)}`;
  const halves = words.split('::');
  if (halves.length > 2) return undefined;
  const [before = [], after = []] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const missing = 8 - before.length - after.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const all = [...before, ...Array<string>(halves.length === 2 ? missing : 0).fill('0'), ...after];
  if (all.some((word) => !/^[0-9a-fA-F]{1,4}$/.test(word))) return undefined;
  return all.reduce((value, word) => (value << 16n) | BigInt(`0x${word}`), 0n);
}
