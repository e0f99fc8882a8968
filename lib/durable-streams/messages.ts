import { parseEntry } from '../http/server/parse-entry';
import { badRequest } from '../http/server/problem';
import { JSON_TYPE, mediaType } from './protocol';

/** A message of a stream whose content is not JSON: its bytes, exactly. */
export interface Bytes {
  readonly base64: string;
}

/** How a stream's messages become entries, and how they are sent. */
export interface MessageFormat {
  readonly isJson: boolean;
  /** The entries of a body; throws a 400 if it does not have the stream's content type. */
  readonly parse: (body: Uint8Array) => unknown[];
  /** An entry as text, from which answers are made. */
  readonly textOf: (entry: unknown) => string;
  /** Texts of entries as a body. */
  readonly join: (texts: readonly string[]) => Uint8Array<ArrayBuffer>;
  /** Texts of entries as the data of an event. */
  readonly data: (texts: readonly string[]) => string;
}

/** The format of a content type. */
export function formatOf(contentType: string): MessageFormat {
  const type = mediaType(contentType);
  if (type === JSON_TYPE) return json;
  return type.startsWith('text/') ? text : binary;
}

/** Whether bytes of this content are sent as base64 in events. */
export function isBinary(contentType: string): boolean {
  return formatOf(contentType) === binary;
}

const utf8 = new TextEncoder();

const json: MessageFormat = {
  isJson: true,
  parse(body) {
    let text: string;
    try {
      text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    } catch {
      throw badRequest('The body is not UTF-8');
    }
    const value = parseEntry(text);
    return Array.isArray(value) ? (value as unknown[]) : [value];
  },
  textOf: (entry) => JSON.stringify(entry),
  join: (texts) => utf8.encode(`[${texts.join()}]`),
  data: (texts) => `[${texts.join()}]`,
};

const binary: MessageFormat = {
  isJson: false,
  parse: (body) => (body.length === 0 ? [] : [bytesEntry(body)]),
  textOf: (entry) => (entry as Bytes).base64,
  join: (texts) => concat(texts.map(bytesIn)),
  data: (texts) => base64Of(concat(texts.map(bytesIn))),
};

const text: MessageFormat = {
  ...binary,
  data: (texts) => new TextDecoder().decode(concat(texts.map(bytesIn))),
};

/** The entry that holds bytes. */
export function bytesEntry(bytes: Uint8Array): Bytes {
  return { base64: base64Of(bytes) };
}

/** The bytes of an entry. */
export function bytesOf(entry: unknown): Uint8Array {
  return bytesIn((entry as Bytes).base64);
}

function bytesIn(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

const STEP = 0x8000;

function base64Of(bytes: Uint8Array): string {
  let characters = '';
  for (let from = 0; from < bytes.length; from += STEP) {
    characters += String.fromCharCode(...bytes.subarray(from, from + STEP));
  }
  return btoa(characters);
}

function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}
