import { get, type ClientRequest, type IncomingMessage } from 'node:http';
import { once } from 'node:events';

/** An open tail, as a client that does not come back sees it. */
export interface OpenTail {
  /** What has come. */
  text(): string;
  /** Resolves when the connection is lost, or the answer ends. */
  readonly over: Promise<void>;
}

/** Opens tails, each on a connection of its own; resolves when something has come on each. */
export function openTails(url: string, count: number): Promise<OpenTail[]> {
  return Promise.all(Array.from({ length: count }, () => openTail(url)));
}

async function openTail(url: string): Promise<OpenTail> {
  const [request, response] = await requested(url);
  let text = '';
  response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  const over = new Promise<void>((resolve) => request.once('close', resolve));
  await once(response, 'data');
  return { text: () => text, over };
}

/** Opens a tail of which nothing is read. */
export async function openUnread(url: string): Promise<void> {
  const [, response] = await requested(url);
  response.pause();
}

async function requested(url: string): Promise<[ClientRequest, IncomingMessage]> {
  const request = get(url, { agent: false, headers: { Accept: 'text/event-stream' } });
  const responded = once(request, 'response');
  request.on('error', () => undefined); // the connection is lost
  const [response] = (await responded) as [IncomingMessage];
  response.on('error', () => undefined);
  return [request, response];
}
