import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** Passes bytes between a client and a server, and cuts the connection where it is told to. */
export class CuttingProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #cutAfter = Infinity;
  #isMute = false;
  /** What clients have sent. */
  heard = '';

  private constructor(serverPort: number) {
    this.#server = createServer((client) => {
      const upstream = connect(serverPort, '127.0.0.1');
      for (const socket of [client, upstream]) {
        this.#sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => {
          this.#sockets.delete(socket);
          client.destroy();
          upstream.destroy();
        });
      }
      client.on('data', (bytes) => {
        this.heard += bytes.toString('latin1');
        const passed = bytes.subarray(0, Math.min(bytes.length, this.#cutAfter));
        this.#cutAfter -= bytes.length;
        if (this.#cutAfter > 0) upstream.write(bytes);
        else upstream.end(passed, () => this.cut());
      });
      upstream.on('data', (bytes) => {
        if (!this.#isMute) client.write(bytes);
      });
    });
  }

  static async start(serverPort: number): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(serverPort);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get url(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Cuts behind so many more bytes of the client, which may be within a message. */
  cutAfter(bytes: number): void {
    this.#cutAfter = bytes;
  }

  /** Has nothing of what the server says come through any more, until it is cut. */
  mute(): void {
    this.#isMute = true;
  }

  cut(): void {
    this.#cutAfter = Infinity;
    this.#isMute = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
