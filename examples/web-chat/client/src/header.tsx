import { ThemeToggle } from './theme-toggle';
import type { Connection } from './chat-server';

interface HeaderProps {
  readonly connection: Connection;
  readonly head: number;
  readonly flushed: number;
}

const WORDS: Readonly<Record<Connection, string>> = {
  connecting: 'Connecting…',
  connected: 'Connected',
  reconnecting: 'Reconnecting…',
};

export function Header({ connection, head, flushed }: HeaderProps) {
  return (
    <header className="top">
      <h1>
        <svg viewBox="0 0 32 32" aria-hidden="true">
          <rect width="32" height="32" rx="7" />
          <path d="M8 10h16M8 16h16M8 22h8" />
          <circle cx="23" cy="22" r="2.5" />
        </svg>
        rx-scrivener <span>web chat</span>
      </h1>
      <dl className="figures">
        <div>
          <dt>Entries</dt>
          <dd data-testid="head">{head.toLocaleString('en')}</dd>
        </div>
        <div>
          <dt>Flushed</dt>
          <dd data-testid="flushed">{flushed.toLocaleString('en')}</dd>
        </div>
      </dl>
      <p className="status" data-state={connection} role="status">
        {WORDS[connection]}
      </p>
      <ThemeToggle />
    </header>
  );
}
