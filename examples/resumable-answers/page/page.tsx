import { durableStreamConnection, materializeSnapshotFromDurableStream } from '@durable-streams/tanstack-ai-transport';
import { useChat } from '@tanstack/ai-react';
import { useState, type SyntheticEvent } from 'react';
import { createRoot } from 'react-dom/client';
import { reconnecting } from './reconnecting';

const id = location.pathname; // /chats/…
const readUrl = `${location.origin}/streams${id}`;

// What is there, and from then on what is said.
const { messages: initialMessages, offset: initialOffset } = await materializeSnapshotFromDurableStream({ readUrl });
const from = { initialOffset, emitSnapshotOnSubscribe: false };
const connection = reconnecting(() => durableStreamConnection({ sendUrl: id, readUrl, ...from }));

function Chat() {
  const { messages, sendMessage, error } = useChat({ threadId: id, initialMessages, connection, live: true });
  const [text, setText] = useState('Count to 100');
  const ask = (event: SyntheticEvent) => {
    event.preventDefault();
    void sendMessage(text);
  };
  return (
    <>
      {messages.map(({ id, role, parts }) => (
        <p key={id} data-role={role}>
          {parts.map((part) => (part.type === 'text' ? part.content : ''))}
        </p>
      ))}
      <form onSubmit={ask}>
        <input aria-label="Question" value={text} onChange={({ target }) => setText(target.value)} />
        <button>Ask</button>
      </form>
      {error && <p role="alert">{error.message}</p>}
    </>
  );
}

createRoot(document.querySelector('main')!).render(<Chat />);
