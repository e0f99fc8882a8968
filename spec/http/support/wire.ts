import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A network between clients and a server that can be cut, also in the middle of what the server says. */
export class Wire {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** The port that the server listens on now. */
  port: number;
  /** What is done with what the server says; what it gives back goes on to the client. By default all of it. */
  transform: (bytes: Buffer, client: Socket) => Buffer = (bytes) => bytes;
  /** Nobody gets through. */
  isDown = false;
  connections = 0;

  private constructor(port: number) {
    this.port = port;
    this.#server = createServer((client) => this.#join(client));
  }

  static async to(port: number): Promise<Wire> {
    const wire = new Wire(port);
    wire.#server.listen(0, '127.0.0.1');
    await once(wire.#server, 'listening');
    return wire;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/journal`;
  }

  /** Breaks every connection off. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.cut();
    await once(this.#server, 'close');
  }

  #join(client: Socket): void {
    this.connections++;
    if (this.isDown) return void client.destroy();
    const server = connect(this.port, '127.0.0.1');
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(one);
      one.on('error', () => undefined);
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
    client.on('data', (bytes) => server.write(bytes));
    server.on('data', (bytes) => client.write(this.transform(bytes, client)));
  }
}
