/** Numbers of SSH and of OpenSSH's PROTOCOL.mux are 32 bits, the greatest byte first; texts go after their length. */
export const uint32 = (...numbers: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(4 * numbers.length);
  numbers.forEach((number, at) => {
    bytes.writeUInt32BE(number, 4 * at);
  });
  return bytes;
};

export const text = (value: string | Buffer): Buffer => {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  return Buffer.concat([uint32(bytes.length), bytes]);
};

/** Reads a packet from its front. Throws a `RangeError` where it is shorter than it should be. */
export interface PacketReader {
  uint32(): number;
  boolean(): boolean;
  bytes(): Buffer;
}

export function packetReader(packet: Buffer): PacketReader {
  let at = 0;
  const number = (): number => {
    at += 4;
    return packet.readUInt32BE(at - 4);
  };
  return {
    uint32: number,
    boolean: () => packet.readUInt8(at++) !== 0,
    bytes: () => {
      const length = number();
      if (at + length > packet.length) throw new RangeError('a text is longer than its packet');
      at += length;
      return packet.subarray(at - length, at);
    },
  };
}

/** Cuts a stream of bytes into messages, each after its length. `false`: one is longer than any may be. */
export function messageCutter(take: (message: Buffer) => void): (chunk: Buffer) => boolean {
  let kept: Buffer[] = [];
  let length = 0;
  return (chunk) => {
    kept.push(chunk);
    length += chunk.length;
    // A header of four bytes may itself be cut.
    while (length >= 4) {
      if ((kept[0]?.length ?? 0) < 4) kept = [Buffer.concat(kept)];
      const need = 4 + (kept[0]?.readUInt32BE(0) ?? 0);
      if (need > longest) return false;
      if (length < need) return true;
      const all = kept.length === 1 ? (kept[0] as Buffer) : Buffer.concat(kept);
      kept = [all.subarray(need)];
      length -= need;
      take(all.subarray(4, need));
    }
    return true;
  };
}

/** OpenSSH's own bound for a packet. */
const longest = 256 * 1024 + 64;
