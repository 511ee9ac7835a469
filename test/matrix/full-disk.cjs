// Loaded before the program by `node --require`: from the nth write of a file below a folder on, its disk is full. A short write is a
// true one: the bytes that are told as written are on the disk, which strace's own injection cannot do.
const fs = require('node:fs');
const { syncBuiltinESMExports } = require('node:module');

const { below, nth, does, note } = JSON.parse(process.env.FULL_DISK);
const { writeSync, openSync, mkdirSync, readlinkSync, writeFileSync } = fs;
let count = 0;
let full = false;

const noRoom = (syscall) =>
  Object.assign(new Error(`ENOSPC: no space left on device, ${syscall}`), { code: 'ENOSPC', errno: -28, syscall });
const isBelow = (path) => String(path).startsWith(`${below}/`);

fs.writeSync = (fd, bytes, ...rest) => {
  const path = readlinkSync(`/proc/self/fd/${fd}`);
  if (!isBelow(path)) return writeSync(fd, bytes, ...rest);
  if (full) throw noRoom('write');
  count += 1;
  if (count < nth) return writeSync(fd, bytes, ...rest);
  full = true;
  writeFileSync(note, JSON.stringify({ path, bytes: Buffer.from(bytes).toString('base64') }));
  if (does === 'ENOSPC') throw noRoom('write');
  return writeSync(fd, bytes.subarray(0, Math.floor(bytes.length / 2)));
};
fs.openSync = (path, flags, ...rest) => {
  if (full && isBelow(path) && /^(w|wx)/.test(String(flags))) throw noRoom('open');
  return openSync(path, flags, ...rest);
};
fs.mkdirSync = (path, ...rest) => {
  if (full && isBelow(path) && !fs.existsSync(path)) throw noRoom('mkdir');
  return mkdirSync(path, ...rest);
};
syncBuiltinESMExports();
