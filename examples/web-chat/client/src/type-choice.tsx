import { useLayoutEffect, useRef } from 'react';
import { TypeFilter } from '../../../../lib/cli/viewer/page/type-filter';
import type { ChatEntry } from './chat-entry';

const TYPES: readonly ChatEntry['type'][] = ['Said', 'Chunk', 'Answered', 'Measured'];

interface TypeChoiceProps {
  readonly onChange: (types: ReadonlySet<string>) => void;
}

/** The viewer's types to choose. */
export function TypeChoice({ onChange }: TypeChoiceProps) {
  const box = useRef<HTMLDivElement>(null);
  const changed = useRef(onChange);
  useLayoutEffect(() => {
    changed.current = onChange;
  });
  useLayoutEffect(() => {
    const filter = new TypeFilter(box.current!, () => changed.current(new Set(filter.chosen)));
    filter.offer(TYPES);
  }, []);
  return <div className="types" ref={box} role="group" aria-label="Types to show" />;
}
