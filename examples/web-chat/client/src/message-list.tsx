import { useVirtualizer } from '@tanstack/react-virtual';
import { memo, useEffect, useRef } from 'react';
import type { Conversation } from './conversation';
import type { Message } from './message';

interface MessageListProps {
  readonly conversation: Conversation;
  readonly isOpen: boolean;
  readonly isReading: boolean;
  readonly onTop: () => void;
  readonly me: string;
  readonly onFind: (position: number) => void;
}

const NEAR_TOP = 600;

export function MessageList({ conversation, isOpen, isReading, onTop, me, onFind }: MessageListProps) {
  const { messages, first } = conversation;
  const list = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: messages.length,
    getScrollElement: () => list.current,
    estimateSize: () => 96,
    getItemKey: (index) => messages[index]!.key,
    anchorTo: 'end',
    followOnAppend: true,
    scrollEndThreshold: 120,
    overscan: 6,
    paddingStart: 56,
    paddingEnd: 24,
  });
  const items = rows.getVirtualItems();

  const isNearTop = (rows.scrollOffset ?? 0) < NEAR_TOP;
  useEffect(() => {
    if (isOpen && isNearTop && first > 1 && !isReading) onTop();
  }, [isOpen, isNearTop, first, isReading, onTop]);

  const opened = useRef(false);
  useEffect(() => {
    if (opened.current || messages.length === 0) return;
    opened.current = true;
    rows.scrollToEnd();
  }, [messages.length, rows]);

  return (
    <div
      className="messages"
      ref={list}
      tabIndex={0}
      role="region"
      aria-label="Messages"
      aria-busy={!isOpen}
      data-testid="messages"
    >
      {isOpen && messages.length === 0 && first <= 1 && (
        <p className="empty">Nothing has been said yet. What you say is entry 1.</p>
      )}
      <div className="canvas" style={{ height: rows.getTotalSize() }}>
        {messages.length > 0 && (
          <p className="beginning">{first > 1 ? 'Reading what was said before…' : 'Here the journal begins.'}</p>
        )}
        <ol>
          {items.map(({ index, key, start }) => (
            <li
              key={key}
              ref={rows.measureElement}
              data-index={index}
              style={{ transform: `translateY(${start}px)` }}
              aria-setsize={messages.length}
              aria-posinset={index + 1}
            >
              <MessageRow message={messages[index]!} isMine={messages[index]!.who === me} onFind={onFind} />
            </li>
          ))}
        </ol>
      </div>
    </div>
  );
}

interface MessageRowProps {
  readonly message: Message;
  readonly isMine: boolean;
  readonly onFind: (position: number) => void;
}

const MessageRow = memo(function MessageRow({ message, isMine, onFind }: MessageRowProps) {
  const { who, isAgent, text, at, from, to, isComplete } = message;
  return (
    <article className="message" data-by={isAgent ? 'agent' : isMine ? 'me' : 'other'} aria-busy={!isComplete}>
      <button
        type="button"
        className="place"
        onClick={() => onFind(from)}
        aria-label={`${to > from ? `${from}–${to}` : from}: find in the journal`}
      >
        {from}
        {to > from && <span>–{to}</span>}
      </button>
      <div className="words">
        <header>
          <strong>{who}</strong>
          {at !== undefined && <time dateTime={at}>{timeOf(at)}</time>}
          {!isComplete && <em>is answering…</em>}
        </header>
        <p>
          {text}
          {!isComplete && <span className="caret" aria-hidden="true" />}
        </p>
      </div>
    </article>
  );
});

const TIME = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });

function timeOf(at: string): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? '' : TIME.format(date);
}
