import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection, NodeConnectionOptions } from '@nats-io/transport-node';
import { freePorts, hasRoutePools, NatsServer, READY_MS, whenReady } from './nats-server';

const SIZE = 3;
/** On a busy machine a server of 2.10 was seen to close each of several connections of a route as a duplicate of another, and to be alone for good. */
const ROUTE_POOL = hasRoutePools ? ', pool_size: -1' : '';

/** Three servers on loopback that are one cluster. */
export class NatsCluster {
  private constructor(readonly servers: readonly NatsServer[]) {}

  static async start(): Promise<NatsCluster> {
    const ports = await freePorts(2 * SIZE);
    const [client, route] = [ports.slice(0, SIZE), ports.slice(SIZE)];
    const routes = route.map((port) => `nats-route://127.0.0.1:${port}`).join(', ');
    const servers = await Promise.all(
      client.map((port, index) =>
        NatsServer.start({
          port,
          name: `n${index + 1}`,
          config: `cluster { name: specs, listen: "127.0.0.1:${route[index]}", routes: [${routes}]${ROUTE_POOL} }`,
        }),
      ),
    );
    return new NatsCluster(servers);
  }

  /** A connection that knows every server. */
  connect(options: NodeConnectionOptions = {}): Promise<NatsConnection> {
    return this.servers[0]!.connect({ servers: this.servers.map(({ url }) => url), ...options });
  }

  /** Resolves once a stream can have a replica on each server. */
  async whenReady(connection: NatsConnection): Promise<void> {
    await whenReady(connection);
    const manager = await jetstreamManager(connection, { checkAPI: false, timeout: 5_000 });
    for (const deadline = Date.now() + READY_MS; ;) {
      try {
        await manager.streams.add({ name: 'ready', subjects: ['ready'], num_replicas: SIZE });
        await manager.streams.delete('ready');
        return;
      } catch (cause) {
        if (Date.now() > deadline) throw new Error(await this.#describe(`room for ${SIZE} replicas`), { cause });
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** The server that leads a stream, as soon as one does. */
  async leaderOf(connection: NatsConnection, stream: string): Promise<NatsServer> {
    const manager = await jetstreamManager(connection, { checkAPI: false, timeout: 1_000 });
    for (;;) {
      const info = await manager.streams.info(stream).catch(() => undefined);
      const leader = info?.cluster?.leader;
      if (leader) return this.servers[Number(leader.slice(1)) - 1]!;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Resolves once each replica of a stream has all that its leader has: until then one server that dies is one too many. */
  async whenCurrent(connection: NatsConnection, stream: string): Promise<void> {
    const manager = await jetstreamManager(connection, { checkAPI: false, timeout: 1_000 });
    for (const deadline = Date.now() + READY_MS; ;) {
      const info = await manager.streams.info(stream).catch(() => undefined);
      const replicas = info?.cluster?.replicas ?? [];
      if (replicas.length === SIZE - 1 && replicas.every(({ current, offline }) => current && !offline)) return;
      if (Date.now() > deadline) throw new Error(await this.#describe('replicas that are current'));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async #describe(expected: string): Promise<string> {
    const servers = await Promise.all(this.servers.map((server) => server.describe()));
    return `Expected ${expected}, got\n${servers.join('\n')}`;
  }

  async stop(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop()));
  }
}
