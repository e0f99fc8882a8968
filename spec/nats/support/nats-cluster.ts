import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection, NodeConnectionOptions } from '@nats-io/transport-node';
import { freePorts, hasRoutePools, NatsServer, READY_MS, whenReady } from './nats-server';

const SIZE = 3;
/** So long may a cluster take to be one, and so many are tried. */
const [CLUSTER_MS, ATTEMPTS] = [25_000, 3];
/** On a busy machine a server of 2.10 was seen to close each of several connections of a route as a duplicate of another, and to be alone for good. */
const ROUTE_POOL = hasRoutePools ? ', pool_size: -1' : '';

/** Three servers on loopback that are one cluster. */
export class NatsCluster {
  private constructor(readonly servers: readonly NatsServer[]) {}

  /**
   * Resolves once a stream can have a replica on each server. On a busy machine servers of 2.10 were seen to close their routes as duplicates of each other,
   * and one of them to be left out for good ("no suitable peers for placement"): such a cluster is given up for a new one.
   */
  static async start(): Promise<NatsCluster> {
    for (let attempt = 1; ; attempt += 1) {
      const cluster = await NatsCluster.#launch();
      try {
        await cluster.#whenReady();
        return cluster;
      } catch (error) {
        const found = `${String(error)}: ${await cluster.#describe()}`;
        await cluster.stop();
        if (attempt === ATTEMPTS) throw new Error(`No cluster of ${SIZE} in ${ATTEMPTS} attempts`, { cause: error });
        process.stdout.write(`A cluster never had room for ${SIZE} replicas, a new one is started. ${found}\n`);
      }
    }
  }

  static async #launch(): Promise<NatsCluster> {
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

  async #whenReady(): Promise<void> {
    const deadline = Date.now() + CLUSTER_MS;
    const connection = await this.connect();
    await whenReady(connection, deadline);
    const manager = await jetstreamManager(connection, { checkAPI: false, timeout: 5_000 });
    for (;;) {
      try {
        await manager.streams.add({ name: 'ready', subjects: ['ready'], num_replicas: SIZE });
        await manager.streams.delete('ready');
        return;
      } catch (error) {
        if (Date.now() > deadline) throw error;
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
      if (Date.now() > deadline) throw new Error(`Expected replicas that are current, got\n${await this.#describe()}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async #describe(): Promise<string> {
    return (await Promise.all(this.servers.map((server) => server.describe()))).join('\n');
  }

  async stop(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop()));
  }
}
