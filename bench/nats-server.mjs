import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '@nats-io/transport-node';

const PATH = `${process.env.PATH}:/usr/sbin:/usr/local/sbin`;

export function hasNatsServer() {
  return spawnSync('nats-server', ['--version'], { env: { ...process.env, PATH } }).status === 0;
}

/** A connection to a server of its own, which ends with this process. */
export async function ownServer() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  const folder = mkdtempSync(join(tmpdir(), 'rx-scrivener-bench-nats-'));
  const args = ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', folder];
  const server = spawn('nats-server', args, { env: { ...process.env, PATH }, stdio: 'ignore' });
  process.on('exit', () => {
    server.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  await once(server, 'spawn');
  const connection = await connect({ servers: `127.0.0.1:${port}`, waitOnFirstConnect: true, reconnectTimeWait: 50 });
  connection.closed().then(() => server.kill('SIGKILL'));
  return connection;
}
