import { useRef } from 'react';
import type { Conversation } from './conversation';

/** Reads out each message once it is complete, for those who listen; what was there at the beginning is not read out. */
export function Announcer({ conversation }: { readonly conversation: Conversation }) {
  const start = useRef<number>(undefined);
  if (start.current === undefined && conversation.last > 0) start.current = conversation.last;
  const complete = conversation.messages
    .slice(-3)
    .filter(({ isComplete, to }) => isComplete && to > (start.current ?? Infinity));
  return (
    <div className="hidden" role="log" aria-live="polite" aria-label="New messages">
      {complete.map(({ key, who, text }) => (
        <p key={key}>
          {who}: {text}
        </p>
      ))}
    </div>
  );
}
