import { useEffect, useRef, useState } from 'react';

const SECONDS = 60;
const HEIGHT = 28;

interface TimelineProps {
  readonly head: number;
  readonly isOpen: boolean;
}

/** How many entries came in each of the last seconds. */
export function Timeline({ head, isOpen }: TimelineProps) {
  const [counts, setCounts] = useState<readonly number[]>(() => new Array<number>(SECONDS).fill(0));
  const latest = useRef({ head, isOpen });
  useEffect(() => {
    latest.current = { head, isOpen };
  });
  useEffect(() => {
    let before: number | undefined;
    const timer = setInterval(() => {
      const { head, isOpen } = latest.current;
      if (!isOpen) return;
      const count = Math.max(0, head - (before ?? head));
      before = head;
      setCounts((known) => [...known.slice(1), count]);
    }, 1_000);
    return () => clearInterval(timer);
  }, []);

  const most = Math.max(10, ...counts);
  const now = counts.at(-1) ?? 0;
  return (
    <figure className="timeline">
      <svg
        viewBox={`0 0 ${SECONDS * 4} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`Entries a second in the last minute: ${now} now, at most ${Math.max(...counts)}`}
      >
        {counts.map((count, index) => {
          const height = count === 0 ? 1 : Math.max(2, (count / most) * HEIGHT);
          return (
            <rect key={index} x={index * 4} y={HEIGHT - height} width={3} height={height} data-empty={count === 0} />
          );
        })}
      </svg>
      <figcaption>
        <b>{now.toLocaleString('en')}</b> entries/s
      </figcaption>
    </figure>
  );
}
