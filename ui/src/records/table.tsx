import { defaultRangeExtractor, useWindowVirtualizer, type Range } from "@tanstack/react-virtual";
import {
  memo,
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  type FocusEvent,
  type KeyboardEvent,
  type RefObject,
} from "react";

import { clock, fullTime } from "../format";
import { ageOf } from "../live/live";
import { useNow } from "../live/use-live";
import { Link } from "../router";
import { soFar, type Column, type Shown } from "./columns";
import type { Layout } from "./layout";
import type { Rows } from "./rows";
import { takeOpened, useIntoRows } from "./use-list-keys";
import "./table.css";

const STEPS: Record<string, 1 | -1> = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 };

// So many rows before the end the next page is asked for: it is there when one gets there.
const AHEAD = 30;

interface Props {
  rows: Rows;
  layout: Layout<Column>;
  isStale: boolean;
  /** What the list is about; another one begins at its top. */
  question: string;
  /** In words: what is in which order. */
  caption: string;
  /** There are more than the rows so far. */
  hasMore: boolean;
  onMore: () => void;
}

/**
 * The list itself. Only the rows near the screen exist, each at its place in a table as high as
 * all of them. Each row is one link; j/k and the arrows go from link to link.
 *
 * Rows at places of their own are no table to a browser any more, so the roles are written out;
 * they count all rows, those that do not exist as well.
 */
export function RecordsTable(props: Props) {
  const { rows, layout, isStale, question, caption, hasMore, onMore } = props;
  const table = useRef<HTMLTableElement>(null);
  const body = useRef<HTMLTableSectionElement>(null);
  const { top, head } = usePlace(table, body);
  const { rowHeight } = layout;

  const now = useNow(rows.open.length > 0);
  const ids = useMemo(() => rows.all.map(({ id }) => id), [rows]);
  const longestClosed = useMemo(() => {
    return rows.records.reduce((most, record) => Math.max(most, record.duration_ms ?? 0), 1);
  }, [rows.records]);
  const longest = inSteps(
    rows.open.reduce((most, exchange) => Math.max(most, ageOf(exchange, now)), longestClosed),
  );

  // The row with the focus stays, however far one scrolls: its link must not vanish.
  const [focused, setFocused] = useState<string | null>(null);
  const kept = focused === null ? -1 : ids.indexOf(focused);
  const virtual = useWindowVirtualizer({
    count: ids.length,
    estimateSize: () => rowHeight,
    getItemKey: (index) => ids[index] ?? index,
    overscan: 12,
    scrollMargin: top,
    // Below the page's header and the table's own.
    scrollPaddingStart: head,
    scrollPaddingEnd: rowHeight,
    rangeExtractor: useCallback(
      (range: Range) => {
        const near = defaultRangeExtractor(range);
        return kept < 0 || near.includes(kept) ? near : [...near, kept].sort((a, b) => a - b);
      },
      [kept],
    ),
  });
  useEffect(() => virtual.measure(), [virtual, rowHeight]);
  const items = virtual.getVirtualItems();
  useHold({ ids, question, top, rowHeight, first: virtual.range?.startIndex ?? 0 });

  const last = items.at(-1)?.index ?? 0;
  const isNearEnd = last >= ids.length - AHEAD;
  useEffect(() => {
    if (isNearEnd && hasMore) onMore();
  }, [isNearEnd, hasMore, onMore, ids.length]);

  const focusOn = useFocus(table, (index) => virtual.scrollToIndex(index, { align: "auto" }));
  const go = (index: number) => {
    const id = ids[Math.min(ids.length - 1, Math.max(0, index))];
    if (id === undefined) return;
    focusOn(id, ids.indexOf(id));
  };
  useIntoRows(table, () => go(Math.max(0, firstSeen(virtual.scrollOffset ?? 0, top, rowHeight))));

  useEffect(() => {
    const at = ids.length > 0 ? ids.indexOf(takeOpened() ?? "") : -1;
    if (at >= 0) go(at);
  });

  const step = (event: KeyboardEvent) => {
    const by = STEPS[event.key];
    if (by === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    go(kept + by);
    event.preventDefault();
  };
  const notice = (event: FocusEvent) => {
    setFocused(event.target.closest("tr")?.dataset["id"] ?? null);
  };

  // Once for each tick: scrolling draws many times in between, and then nothing is new.
  const open = useMemo(() => new Map(rows.open.map((one) => [one.id, soFar(one, now)])), [rows.open, now]);
  const rowOf = (index: number): { record: Shown; isOpen: boolean } | undefined => {
    const row = rows.all[index];
    if (row === undefined) return undefined;
    if ("outcome" in row) return { record: row, isOpen: false };
    const running = open.get(row.id);
    return running && { record: running, isOpen: true };
  };

  return (
    /* eslint-disable jsx-a11y/no-noninteractive-element-interactions, jsx-a11y/no-redundant-roles,
       jsx-a11y/no-interactive-element-to-noninteractive-role --
       the keys are those of the links within, and a table that is drawn as blocks has no roles */
    <table
      className="records"
      role="table"
      ref={table}
      aria-rowcount={hasMore ? -1 : ids.length + 1}
      onKeyDown={step}
      onFocus={notice}
      onBlur={() => setFocused(null)}
      data-stale={isStale || undefined}
      data-tall={layout.isTall || undefined}
      data-compact={layout.isCompact || undefined}
      style={{
        ["--columns" as string]: layout.template,
        ["--row-height" as string]: `${rowHeight}px`,
        minWidth: layout.leastWidth,
      }}
    >
      <caption className="visually-hidden">{caption}</caption>
      <thead role="rowgroup">
        <tr role="row" aria-rowindex={1}>
          <th scope="col" role="columnheader">
            Time
          </th>
          {layout.columns.map(({ name, label, hint, isNumber }) => (
            <th
              key={name}
              scope="col"
              role="columnheader"
              className={isNumber ? "is-number" : undefined}
              title={hint}
            >
              {label}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup" ref={body} style={{ height: virtual.getTotalSize() }}>
        {items.map(({ index, start }) => {
          const row = rowOf(index);
          return (
            row && (
              <Row
                key={row.record.id}
                {...row}
                index={index}
                y={start - top}
                isFresh={rows.fresh.has(row.record.id)}
                columns={layout.columns}
                longest={longest}
              />
            )
          );
        })}
      </tbody>
    </table>
  );
}

interface RowProps {
  record: Shown;
  isOpen: boolean;
  isFresh: boolean;
  index: number;
  y: number;
  columns: readonly Column[];
  longest: number;
}

// The open rows tick ten times a second; a closed one is drawn once.
const Row = memo(function Row({ record, isOpen, isFresh, index, y, columns, longest }: RowProps) {
  return (
    // The roles are written out for the reason above.
    <tr
      role="row"
      aria-rowindex={index + 2}
      data-id={record.id}
      data-open={isOpen || undefined}
      data-fresh={isFresh || undefined}
      style={{ transform: `translateY(${y}px)` }}
    >
      <td role="cell">
        <Link className="row-link" href={`/records/${record.id}`}>
          <time dateTime={record.started_at} title={fullTime(record.started_at)}>
            {clock(record.started_at)}
          </time>
        </Link>
      </td>
      {columns.map((column) => (
        <td key={column.name} role="cell" className={column.isNumber ? "is-number" : undefined}>
          {column.cell(record, longest)}
        </td>
      ))}
    </tr>
  );
});

/** How far down the page the rows begin, and how much of the screen the heads above them cover. */
function usePlace(table: RefObject<HTMLElement | null>, body: RefObject<HTMLElement | null>) {
  const [place, setPlace] = useState({ top: 0, head: 0 });
  useLayoutEffect(() => {
    const measure = () => {
      const own = table.current?.querySelector("thead");
      if (!own || !body.current) return;
      const top = Math.round(body.current.getBoundingClientRect().top + scrollY);
      const head = own.offsetHeight + (parseFloat(getComputedStyle(own).top) || 0);
      setPlace((known) => (known.top === top && known.head === head ? known : { top, head }));
    };
    measure();
    // What stands above may come late, or wrap.
    const observer = new ResizeObserver(measure);
    observer.observe(document.body);
    return () => observer.disconnect();
  }, [table, body]);
  return place;
}

interface Held {
  ids: readonly string[];
  question: string;
  top: number;
  rowHeight: number;
  /** The first row that is seen. */
  first: number;
}

/** Rows that come on top push the others down; who reads further below is not to notice. */
function useHold({ ids, question, top, rowHeight, first }: Held): void {
  const before = useRef({ ids, question, held: ids[first] });
  useLayoutEffect(() => {
    const known = before.current;
    const held = known.ids === ids ? ids[first] : known.held;
    before.current = { ids, question, held };
    if (scrollY <= top) return;
    if (known.question !== question) {
      scrollTo({ top, behavior: "instant" });
    } else if (known.ids !== ids && held !== undefined) {
      const [was, is] = [known.ids.indexOf(held), ids.indexOf(held)];
      if (was >= 0 && is > was) scrollBy({ top: (is - was) * rowHeight, behavior: "instant" });
    }
  }, [ids, question, top, rowHeight, first]);
}

/** Gives the focus to a row's link, now or once the row exists. */
function useFocus(table: RefObject<HTMLElement | null>, show: (index: number) => void) {
  const wanted = useRef<string | null>(null);
  const take = () => {
    if (wanted.current === null) return;
    const row = `tr[data-id="${CSS.escape(wanted.current)}"]`;
    const link = table.current?.querySelector<HTMLElement>(`${row} a`);
    if (!link) return;
    wanted.current = null;
    link.focus({ preventScroll: true });
  };
  useEffect(take);
  return (id: string, index: number) => {
    wanted.current = id;
    show(index);
    take();
  };
}

/** The first row that is not above the screen. */
function firstSeen(offset: number, top: number, rowHeight: number): number {
  return Math.ceil((offset - top) / rowHeight);
}

/**
 * The longest duration on show, to draw the shapes to one scale. In steps of a fifth, so that
 * a running exchange does not change the scale of all rows with every tick.
 */
function inSteps(longest: number): number {
  return 1.2 ** Math.ceil(Math.log(longest) / Math.log(1.2));
}
