import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection, type NodeConnectionOptions } from '@nats-io/transport-node';

/** Debian puts it where no shell of a user looks. */
const PATH = `${process.env.PATH ?? ''}:/usr/sbin:/usr/local/sbin`;
/** So long may servers take to start on a busy machine. */
export const READY_MS = 60_000;

/** Which server: of one version or another. */
const SERVER = process.env.NATS_SERVER ?? 'nats-server';
const asked = spawnSync(SERVER, ['--version'], { env: { ...process.env, PATH }, encoding: 'utf8' });
const isInstalled = asked.status === 0;
const [, major = 0, minor = 0] = /v(\d+)\.(\d+)/.exec(asked.stdout) ?? [];
/** Whether it takes atomic batches. */
export const hasBatches = Number(major) > 2 || (Number(major) === 2 && Number(minor) >= 12);
/** Whether it can have several connections of one route. */
export const hasRoutePools = Number(major) > 2 || (Number(major) === 2 && Number(minor) >= 10);
/** Whether it can be given chains: it is of 2.10, and not of its first. */
export const hasChains = Number(major) === 2 && Number(minor) === 10;
if (!isInstalled && process.env.REQUIRE_NATS === '1')
  throw new Error('REQUIRE_NATS=1, and nats-server is not installed');

/** `describe`, or where nats-server is not installed a skip that says so. */
export function describeWithNats(name: string, define: () => void): void {
  if (isInstalled) describe(name, define);
  else describe.skip(`${name} (skipped: nats-server is not installed)`, define);
}

/** What a server is started with beside its own port and store. */
interface NatsServerOptions {
  readonly port?: number;
  /** Lines of its configuration. */
  readonly config?: string;
  readonly name?: string;
  /** Its JetStream domain. */
  readonly domain?: string;
}

/** A server of its own, on a free port, with a store that is removed with it. */
export class NatsServer {
  #process: ChildProcess | undefined;
  readonly #connections: NatsConnection[] = [];

  private constructor(
    readonly port: number,
    readonly folder: string,
  ) {}

  static async start({ port, config = '', name = 'single', domain }: NatsServerOptions = {}): Promise<NatsServer> {
    const folder = await mkdtemp(join(tmpdir(), 'scrivener-nats-'));
    const server = new NatsServer(port ?? (await freePorts(1))[0]!, folder);
    const lines = [
      `listen: 127.0.0.1:${server.port}`,
      `server_name: ${name}`,
      `jetstream { store_dir: "${folder}/store", max_mem: 256Mb, max_file: 4Gb${domain === undefined ? '' : `, domain: ${domain}`} }`,
      config,
    ];
    await writeFile(join(folder, 'server.conf'), lines.join('\n'));
    server.launch();
    return server;
  }

  get url(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Starts the process, again after it was killed. */
  launch(): void {
    const args = ['-c', join(this.folder, 'server.conf'), '-l', join(this.folder, 'server.log')];
    this.#process = spawn(SERVER, args, { env: { ...process.env, PATH }, stdio: 'ignore' });
  }

  /** Sends the process a signal; resolves once it is over where the signal ends it. */
  async kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#process;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }

  /** Stops the process where it is, and has it go on. */
  pause(): void {
    this.#process?.kill('SIGSTOP');
  }

  resume(): void {
    this.#process?.kill('SIGCONT');
  }

  /** Whether it runs, and the end of what it has logged. */
  async describe(): Promise<string> {
    const { exitCode, signalCode } = this.#process ?? {};
    const log = await readFile(join(this.folder, 'server.log'), 'utf8').catch((error: unknown) => String(error));
    return `${this.url}, ended with ${exitCode ?? signalCode ?? 'nothing, it runs'}:\n${log.slice(-1_500)}`;
  }

  /** A connection that waits for the server to be up, and is closed with it. */
  async connect(options: NodeConnectionOptions = {}): Promise<NatsConnection> {
    const connection = await connect({
      servers: this.url,
      waitOnFirstConnect: true,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 50,
      reconnectJitter: 10,
      ...options,
    });
    this.#connections.push(connection);
    return connection;
  }

  async stop(): Promise<void> {
    this.resume();
    await Promise.all(this.#connections.map((connection) => connection.close()));
    await this.kill('SIGKILL');
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** A server for the tests of a file or a block, and a connection to it once JetStream answers. */
export function useNatsServer(): { readonly server: NatsServer; readonly connection: NatsConnection } {
  let server: NatsServer;
  let connection: NatsConnection;
  beforeAll(async () => {
    server = await NatsServer.start();
    connection = await server.connect();
    await whenReady(connection);
  });
  afterAll(() => server.stop());
  return {
    get server() {
      return server;
    },
    get connection() {
      return connection;
    },
  };
}

/** Resolves once JetStream answers. */
export async function whenReady(connection: NatsConnection, deadline = Date.now() + READY_MS): Promise<void> {
  for (;;) {
    try {
      await jetstreamManager(connection, { timeout: 1_000 });
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Below those that systems give to outgoing connections, which could take one before its server does. */
const [LOWEST_PORT, HIGHEST_PORT] = [10_240, 32_767];

/** Ports that nobody listened on a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = randomInt(LOWEST_PORT, HIGHEST_PORT);
    if (await isFree(port)) ports.add(port);
  }
  return [...ports];
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening');
    return true;
  } catch {
    return false;
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}
