import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { wsconnect } from '@nats-io/nats-core';
import type { openJetStreamScrivener } from 'rx-scrivener/nats';
import { describeWithNats, freePorts, NatsServer, whenReady } from '../nats/support/nats-server';
import { describeInBrowser } from './support/browser';
import { bundle } from './support/bundle';

declare global {
  interface Window {
    jetStream: { openJetStreamScrivener: typeof openJetStreamScrivener; wsconnect: typeof wsconnect };
  }
}

describeWithNats('rx-scrivener/nats in a page', () => {
  describeInBrowser('over a WebSocket', (browser) => {
    test('writes and reads a journal', async () => {
      const [port] = await freePorts(1);
      const server = await NatsServer.start({
        config: `websocket { listen: "127.0.0.1:${port}", no_tls: true }`,
      });
      await whenReady(await server.connect());
      const script = bundle(`
        import { wsconnect } from '@nats-io/nats-core';
        import { openJetStreamScrivener } from 'rx-scrivener/nats';
        window.jetStream = { wsconnect, openJetStreamScrivener };
      `);
      // Of a server on this machine: a page that comes from elsewhere may not connect to it.
      const pages = createServer((_, response) => {
        response.setHeader('content-type', 'text/html');
        response.end(`<!doctype html><script>${script.replaceAll('</script', '<\\/script')}</script>`);
      });
      pages.listen(0, '127.0.0.1');
      await once(pages, 'listening');
      const page = await browser().newPage();
      await page.goto(`http://127.0.0.1:${(pages.address() as AddressInfo).port}/`);
      const read = await page.evaluate(async (port) => {
        const connection = await window.jetStream.wsconnect({ servers: `ws://127.0.0.1:${port}` });
        const scrivener = await window.jetStream.openJetStreamScrivener<string>({ connection, stream: 'chat' });
        const statuses: string[] = [];
        scrivener.connected$.subscribe(({ status }) => statuses.push(status));
        await Promise.all(['a', 'b'].map((entry) => scrivener.write(entry)));
        const entries: string[] = [];
        for await (const { position, entry } of scrivener.tail()) {
          entries.push(entry);
          if (position === 2) setTimeout(() => void scrivener.write('c'), 100);
          if (position === 3) break;
        }
        await scrivener.close();
        await connection.close();
        return { entries, statuses };
      }, port!);
      expect(read).toEqual({ entries: ['a', 'b', 'c'], statuses: ['open'] });
      await page.close();
      pages.close();
      await server.stop();
    }, 60_000);
  });
});
