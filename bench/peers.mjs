import { createRequire } from 'node:module';

/** The stores that `bench/peers` has an adapter for, and installs: `npm ci --prefix bench/peers`. */
export const PEERS = ['sonic-boom', 'pino', 'better-sqlite3', 'classic-level', 'lmdb', 'hypercore'];

/** A package of `bench/peers`. */
export const requirePeer = createRequire(new URL('peers/package.json', import.meta.url));

/** @param {string | undefined} peer */
export function isMissing(peer) {
  if (peer === undefined) return false;
  try {
    requirePeer.resolve(peer);
    return false;
  } catch {
    return true;
  }
}

/**
 * An empty store of a peer.
 *
 * @param {string} peer
 * @returns {Promise<{ append(entries: object[]): unknown, count(): unknown, close(): unknown }>} `append` gives back when the
 *   operating system has all entries
 */
export async function openPeer(peer, path, options) {
  const { open } = await import(`./peers/${peer}.mjs`);
  return open(path, options);
}

/** How the peer is used. */
export async function howOf(peer) {
  const { how } = await import(`./peers/${peer}.mjs`);
  return how;
}
