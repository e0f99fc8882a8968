import { readFileSync } from 'node:fs';

/** A journal's line, made without the library: good for entries whose keys are sorted. */
export function line(position: number, entry: unknown): string {
  return `{"schemaVersion":"1","position":${position},"entry":${JSON.stringify(entry)}}\n`;
}

/** A journal's file, made without the library. */
export function journalText(entries: readonly unknown[], first = 1): string {
  return entries.map((entry, index) => line(first + index, entry)).join('');
}

export function positioned<T>(entries: readonly T[], first = 1): { position: number; entry: T }[] {
  return entries.map((entry, index) => ({ position: first + index, entry }));
}

export function textOf(filePath: string): string {
  return readFileSync(filePath, 'utf8');
}

/** A file's bytes as text in which every byte counts, for comparisons. */
export function bytesOf(filePath: string): string {
  return readFileSync(filePath).toString('latin1');
}

export function latin1(text: string | Buffer): string {
  return (typeof text === 'string' ? Buffer.from(text) : text).toString('latin1');
}
