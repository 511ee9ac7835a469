#!/usr/bin/env node
// What rsync starts as its remote shell: `decom-rsh <socket> <host> <argv…>`. It has no connection of its own. It hands the
// command to the decom process that listens on the socket, which runs it over a connection that it has already verified.
//
// Frames both ways: one byte of type, four of length (big endian), then that many bytes.
//   to decom:   A argument vector (JSON)   I stdin   E end of stdin
//   from decom: O stdout   R stderr   X exit code (JSON)
'use strict';
const { connect } = require('node:net');

const [path, , ...argv] = process.argv.slice(2);
if (path === undefined || argv.length === 0) {
  process.stderr.write('decom-rsh: started by rsync, not by hand: decom-rsh SOCKET HOST COMMAND…\n');
  process.exit(2);
}

const socket = connect(path);
const frame = (type, bytes) => {
  const head = Buffer.alloc(5);
  head.write(type, 0, 'latin1');
  head.writeUInt32BE(bytes.length, 1);
  socket.write(head);
  return socket.write(bytes);
};
const leave = (code) => process.stdout.write('', () => process.exit(code));

socket.on('error', (error) => {
  process.stderr.write(`decom-rsh: ${error.message}\n`);
  leave(255);
});
socket.on('close', () => leave(255));
process.stdout.on('error', () => process.exit(255));

frame('A', Buffer.from(JSON.stringify(argv)));
process.stdin.on('data', (chunk) => {
  if (!frame('I', chunk)) process.stdin.pause();
});
socket.on('drain', () => process.stdin.resume());
process.stdin.on('end', () => frame('E', Buffer.alloc(0)));

const head = Buffer.alloc(5);
let filled = 0;
let left = 0;
let type = '';
let exit = '';
socket.on('data', (chunk) => {
  let at = 0;
  while (at < chunk.length) {
    if (left === 0) {
      const step = Math.min(5 - filled, chunk.length - at);
      chunk.copy(head, filled, at, at + step);
      filled += step;
      at += step;
      if (filled < 5) return;
      filled = 0;
      type = String.fromCharCode(head[0]);
      left = head.readUInt32BE(1);
      continue;
    }
    const piece = chunk.subarray(at, at + left);
    at += piece.length;
    left -= piece.length;
    if (type === 'X') {
      exit += piece.toString('latin1');
      if (left === 0) {
        socket.removeAllListeners('close');
        leave(JSON.parse(exit));
      }
      continue;
    }
    const out = type === 'O' ? process.stdout : process.stderr;
    if (!out.write(piece)) {
      socket.pause();
      out.once('drain', () => socket.resume());
    }
  }
});
