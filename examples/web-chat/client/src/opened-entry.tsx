import { useLayoutEffect, useRef } from 'react';
import type { Positioned } from 'rx-scrivener';
import { treeOf } from '../../../../lib/cli/viewer/page/tree';
import type { ChatEntry } from './chat-entry';

interface OpenedEntryProps {
  readonly record: Positioned<ChatEntry>;
  readonly onClose: () => void;
}

/** An entry as the viewer's tree. */
export function OpenedEntry({ record: { position, entry }, onClose }: OpenedEntryProps) {
  const tree = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => tree.current?.replaceChildren(treeOf(entry)), [entry]);
  return (
    <section className="opened" aria-label={`Entry ${position}`}>
      <header>
        <h3>Entry {position}</h3>
        <button type="button" onClick={onClose}>
          Close
        </button>
      </header>
      <div className="tree" ref={tree} />
    </section>
  );
}
