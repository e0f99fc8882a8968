import { useEffect, useImperativeHandle, useLayoutEffect, useRef, useState, type Ref } from 'react';
import { RowList, type Rows } from '../../../../lib/cli/viewer/page/row-list';

interface RowListingProps {
  readonly label: string;
  readonly testId: string;
  /** The same as long as it is the same list, whatever comes. */
  readonly rows: Rows;
  readonly onOpen: (index: number) => void;
  readonly ref?: Ref<RowListingHandle>;
}

export interface RowListingHandle {
  /** Shows a row, and selects it. */
  readonly jump: (index: number) => void;
}

/** The viewer's list, which follows what comes as long as its end is shown. */
export function RowListing({ label, testId, rows, onOpen, ref }: RowListingProps) {
  const box = useRef<HTMLDivElement>(null);
  const list = useRef<RowList>(undefined);
  const [isAtEnd, setAtEnd] = useState(true);
  const follow = (on: boolean) => {
    list.current!.follows = on;
    setAtEnd(on);
  };
  const open = useRef(onOpen);

  useLayoutEffect(() => {
    const selected = (index: number, isOpened: boolean) => isOpened && open.current(index);
    const made = (list.current = new RowList(box.current!, { selected, moved: follow }));
    made.rows = rows;
    return () => made.end();
  }, [rows]);
  useEffect(() => {
    open.current = onOpen;
    list.current!.draw();
  });
  useImperativeHandle(ref, () => ({
    jump: (index) => {
      follow(false);
      list.current!.jump(index);
    },
  }));

  return (
    <div className="listing">
      <div className="list" ref={box} role="listbox" tabIndex={0} aria-label={label} data-testid={testId} />
      <button type="button" className="newest" hidden={isAtEnd} onClick={() => follow(true)}>
        Newest entry
      </button>
    </div>
  );
}
