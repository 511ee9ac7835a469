/**
 * The ways in which real BMCs send the 16 bytes of a system's UUID. IPMI 2.0 §20.8 wants the whole UUID reversed; many send it as
 * RFC 4122 writes it, or as it stands in the SMBIOS table (first three fields swapped), or that table reversed.
 * Ordered by how likely the reading is right: readings that are well-formed RFC 4122 UUIDs first, then the standard's order.
 */
export function guidReadings(bytes: Uint8Array): readonly string[] {
  const reversed = Uint8Array.from(bytes).reverse();
  const readings = [reversed, bytes, swapFields(reversed), swapFields(bytes)].map(written);
  const unique = [...new Set(readings)];
  return [...unique.filter(wellFormed), ...unique.filter((reading) => !wellFormed(reading))];
}

/** The same UUID with its first three fields in the other byte order: `00112233-4455-6677-…` is `33221100-5544-7766-…`. */
export function swapGuid(guid: string): string {
  return written(swapFields(Uint8Array.from(Buffer.from(guid.replaceAll('-', ''), 'hex'))));
}

const swapFields = (b: Uint8Array): Uint8Array =>
  Uint8Array.from([3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15], (at) => b[at] ?? 0);

const written = (bytes: Uint8Array): string =>
  Buffer.from(bytes)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');

/** Version 1 to 8 and variant 10: what a UUID made by the book has, and one read in the wrong order rarely has. */
const wellFormed = (guid: string): boolean => /^.{14}[1-8].{4}[89ab]/.test(guid);
