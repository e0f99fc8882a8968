import { useEffect, useState } from 'react';
import type { JournalSnapshot } from 'rx-scrivener/react';
import { Announcer } from './announcer';
import type { ChatEntry, Said } from './chat-entry';
import type { ChatServer, Run } from './chat-server';
import { Composer } from './composer';
import { MessageList } from './message-list';
import { useConversation } from './use-conversation';

interface ConversationPanelProps {
  readonly server: ChatServer;
  readonly run: Run;
  readonly snapshot: JournalSnapshot<ChatEntry>;
  readonly onFind: (position: number) => void;
}

/** Something that was said here and is not safe yet. */
export interface Outgoing {
  readonly entry: Said;
  readonly failure: string | undefined;
}

export function ConversationPanel({ server, run, snapshot, onFind }: ConversationPanelProps) {
  const { conversation, isOpen, isReading, readOn } = useConversation(run, snapshot);
  const [outgoing, setOutgoing] = useState<readonly Outgoing[]>([]);
  const [name, setName] = useState(() => sessionStorage.getItem('name') ?? 'Guest');
  useEffect(() => sessionStorage.setItem('name', name), [name]);

  const send = (entry: Said) => {
    const others = (all: readonly Outgoing[]) => all.filter((each) => each.entry !== entry);
    setOutgoing((all) => [...others(all), { entry, failure: undefined }]);
    server.say(entry).then(
      () => setOutgoing(others),
      (error: unknown) => setOutgoing((all) => [...others(all), { entry, failure: String(error) }]),
    );
  };
  const say = (text: string) =>
    send({ type: 'Said', at: new Date().toISOString(), who: name.trim() || 'Guest', id: newId(), text });

  return (
    <main className="conversation" aria-label="Conversation">
      <MessageList
        conversation={conversation}
        isOpen={isOpen}
        isReading={isReading}
        onTop={readOn}
        me={name}
        onFind={onFind}
      />
      <div className="bottom">
        {outgoing.length > 0 && (
          <ul className="outgoing" aria-label="Not safe yet">
            {outgoing.map(({ entry, failure }) => (
              <li key={entry.id} data-failed={failure !== undefined}>
                <span>{entry.text}</span>
                {failure === undefined ? (
                  <small>sending…</small>
                ) : (
                  <button type="button" onClick={() => send(entry)} title={failure}>
                    Not sent. Try again
                  </button>
                )}
              </li>
            ))}
          </ul>
        )}
        <Composer name={name} onName={setName} onSay={say} />
      </div>
      <Announcer conversation={conversation} />
    </main>
  );
}

/** `crypto.randomUUID` is missing where a page is not secure. */
function newId(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join('-');
}
