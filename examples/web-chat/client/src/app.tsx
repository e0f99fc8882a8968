import { useState } from 'react';
import { InMemoryScrivener } from 'rx-scrivener';
import { useJournal, useObservable, type JournalSnapshot } from 'rx-scrivener/react';
import type { ChatEntry } from './chat-entry';
import { ChatServer, type Run } from './chat-server';
import { ConversationPanel } from './conversation-panel';
import { Header } from './header';
import { JournalPanel } from './journal-panel';

const PANELS = ['Conversation', 'Journal'] as const;

/** What there is until a server was heard of. */
const NOTHING = new InMemoryScrivener<ChatEntry>();

interface Shown {
  readonly run: Run | undefined;
  readonly snapshot: JournalSnapshot<ChatEntry>;
}

export function App() {
  const [server] = useState(() => new ChatServer());
  const run = useObservable<Run | undefined>(server.runs$, undefined);
  const connection = useObservable(server.connection$, 'connecting');
  const flushed = useObservable(server.flushed$, 0);
  const latest = useJournal<ChatEntry>(run?.journal ?? NOTHING);
  // What another server has is shown once it has been read, and until then what the one before had.
  const [shown, setShown] = useState<Shown>({ run: undefined, snapshot: latest });
  const { snapshot } = shown;
  const isReady = run !== undefined && (latest.caughtUp || latest.error !== undefined);
  if (isReady && snapshot !== latest) setShown({ run, snapshot: latest });

  const [target, setTarget] = useState<{ readonly position: number }>();
  const [panel, setPanel] = useState<(typeof PANELS)[number]>('Conversation');
  const find = (position: number) => {
    setTarget({ position });
    setPanel('Journal');
  };

  return (
    <div className="page" data-panel={panel}>
      <a className="skip" href="#say">
        Skip to the message field
      </a>
      <Header connection={connection} head={snapshot.head} flushed={Math.min(flushed, snapshot.head)} />
      <nav className="panels" aria-label="Panels">
        {PANELS.map((each) => (
          <button key={each} type="button" aria-pressed={panel === each} onClick={() => setPanel(each)}>
            {each}
          </button>
        ))}
      </nav>
      {snapshot.error !== undefined && (
        <p className="failure" role="alert">
          The journal cannot be shown: {String(snapshot.error)}. Reload the page to try again.
        </p>
      )}
      {shown.run ? (
        <div className="columns">
          <ConversationPanel server={server} run={shown.run} snapshot={snapshot} onFind={find} />
          <JournalPanel run={shown.run} snapshot={snapshot} flushed={flushed} target={target} />
        </div>
      ) : (
        <main className="opening">
          <p>Opening the journal…</p>
        </main>
      )}
    </div>
  );
}
