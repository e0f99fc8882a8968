// Clients of a row in a process of their own, as cheap as can be: sockets that count what comes in the bodies of chunked answers.
import { connect } from 'node:net';

const [port, clients, count] = process.argv.slice(2).map(Number);
const REQUEST = 'GET /journal HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n';
const LAST = `id: ${count}\n`;
const NEWLINE = 10;

let answered = 0;
let finished = 0;
const characters = [];

for (let client = 0; client < clients; client++) {
  const socket = connect(port, '127.0.0.1', () => socket.write(REQUEST));
  let started = false;
  let size = '';
  /** What is left of the chunk, its CRLF included. */
  let left = 0;
  let tail = '';
  characters[client] = 0;

  socket.on('data', (bytes) => {
    let at = 0;
    if (!started) {
      const end = bytes.indexOf('\r\n\r\n');
      if (end < 0) throw new Error('Expected an answer at once');
      started = true;
      at = end + 4;
      if (++answered === clients) process.send('answered');
    }
    while (at < bytes.length) {
      if (left === 0) {
        const end = bytes.indexOf(NEWLINE, at);
        size += bytes.latin1Slice(at, end < 0 ? bytes.length : end + 1);
        if (end < 0) return;
        at = end + 1;
        left = parseInt(size, 16) + 2;
        size = '';
        continue;
      }
      const taken = Math.min(left, bytes.length - at);
      const body = Math.min(left - 2, taken);
      if (body > 0) take(bytes, at, at + body);
      left -= taken;
      at += taken;
    }
  });

  /** Counts what is no event for the journal's own use: that comes before the first entry. */
  const take = (bytes, from, to) => {
    const text = bytes.latin1Slice(from, to);
    const first = characters[client] > 0 ? 0 : text.indexOf('id: ');
    if (first < 0) return;
    characters[client] += text.length - first;
    tail = (tail + text).slice(-1_000);
    if (tail.endsWith('\n\n') && tail.includes(LAST) && ++finished === clients) process.send(characters);
  };
}
