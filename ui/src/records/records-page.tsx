import {
  Suspense,
  useCallback,
  useDeferredValue,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from "react";

import { count, counted } from "../format";
import type { LiveState } from "../live/live";
import { useLive } from "../live/use-live";
import { FirstRun } from "../parts/connect";
import { later } from "../parts/later";
import { own } from "../parts/own";
import { Problem } from "../parts/problem";
import { readRange } from "../parts/range";
import { RangeTabs } from "../parts/range-tabs";
import { navigate } from "../router";
import { ColumnMenu } from "./column-menu";
import { COLUMNS } from "./columns";
import { Export } from "./export";
import { FilterBar } from "./filter-bar";
import { layoutOf } from "./layout";
import { mergeRows } from "./rows";
import { addressOf, NEWEST, questionOf, readState, SORTS, withTime, type ListState } from "./state";
import { RecordsTable } from "./table";
import { TimeChartPlace } from "./time-chart-place";
import { useSearchKey } from "./use-list-keys";
import { useRecords } from "./use-records";
import "./records.css";

// What draws charts comes after the list, so that the first load stays small.
const TimeChart = later(() => import("./time-chart").then((m) => m.TimeChart));

const PANEL_BORDERS = 2;

export function RecordsPage({ search }: { search: string }) {
  const state = useMemo(() => readState(search), [search]);
  const { filters, sort } = state;
  const change = (changes: Partial<ListState>) => navigate(addressOf({ ...state, ...changes }));
  const { live, isPaused, togglePause } = usePausable(useLive());
  const records = useRecords(state, live, isPaused);
  const stored = useMemo(() => records.data?.pages.flatMap((page) => page.records), [records.data]);
  const rows = useMemo(
    () =>
      mergeRows({ stored: stored ?? [], hasOlder: records.hasNextPage, live, filters, sort }),
    [stored, records.hasNextPage, live, filters, sort],
  );
  const shown = useDeferredValue(rows);
  const isEmpty = rows.all.length === 0;
  const list = useRef<HTMLElement>(null);
  useSearchKey(list);
  // As state: the list goes and comes again around the page of the first run.
  const [place, setPlace] = useState<HTMLElement | null>(null);
  const mount = useCallback((main: HTMLElement | null) => {
    list.current = main;
    setPlace(main);
  }, []);
  const width = useWidth(place);
  const layout = useMemo(() => layoutOf(COLUMNS, state.columns, width), [state.columns, width]);

  useEffect(() => {
    document.title = "Records · Streamgauge";
  }, []);

  const { fetchNextPage, isFetching, isFetchNextPageError } = records;
  // Where that failed, one is asked before it is tried again.
  const more = useCallback(() => {
    if (!isFetching && !isFetchNextPageError) void fetchNextPage();
  }, [fetchNextPage, isFetching, isFetchNextPageError]);

  const isKnown = stored !== undefined && !records.isPlaceholderData;
  if (isKnown && isEmpty && filters.length === 0 && state.last === null) return <FirstRun />;

  return (
    <main className="page" ref={mount}>
      <div className="records-head">
        <h1>Records</h1>
        {live.open.size > 0 && (
          <p className="records-open">
            <span className="records-open-dot" aria-hidden="true" />
            {count(live.open.size)} open now
          </p>
        )}
        <RangeTabs path="/" range={readRange(search)} />
        <select
          className="field records-sort"
          aria-label="Order"
          value={sort ?? NEWEST}
          onChange={(event) => {
            change({ sort: event.target.value === NEWEST ? null : event.target.value });
          }}
        >
          {Object.entries(SORTS).map(([value, words]) => (
            <option key={value} value={value}>
              {words}
            </option>
          ))}
          {sort !== null && own(SORTS, sort) === undefined && <option value={sort}>{sort}</option>}
        </select>
        <ColumnMenu
          chosen={state.columns}
          shown={layout.columns}
          onChoose={(columns) => change({ columns })}
        />
        <Export query={() => questionOf(state)} />
        <button
          type="button"
          className="button records-pause"
          aria-pressed={isPaused}
          title="Keep the rows still while you read"
          onClick={togglePause}
        >
          {isPaused ? "Resume" : "Pause"}
        </button>
      </div>
      <div className="records-time">
        <Suspense fallback={<TimeChartPlace />}>
          <TimeChart
            state={state}
            isPaused={isPaused}
            onSelect={(part) => change({ filters: withTime(filters, part), last: null })}
          />
        </Suspense>
      </div>
      <FilterBar filters={filters} onChange={(next) => change({ filters: next })} />
      {sort !== null && (
        <Unplaced count={rows.unplaced} onShow={() => change({ sort: null })} />
      )}
      {records.error && (
        <Problem
          error={records.error}
          onRetry={() => void (records.isFetchNextPageError ? fetchNextPage() : records.refetch())}
        />
      )}
      {isKnown && isEmpty && (
        <div className="notice">
          <p>No record matches these filters.</p>
          <button type="button" className="button" onClick={() => navigate("/")}>
            Clear all
          </button>
        </div>
      )}
      {!isEmpty && (
        <div className="panel records-panel" data-wide={layout.leastWidth > width || undefined}>
          <RecordsTable
            rows={shown}
            layout={layout}
            isStale={records.isPlaceholderData}
            question={addressOf({ ...state, columns: null })}
            caption={captionOf(sort)}
            hasMore={records.hasNextPage}
            onMore={more}
          />
        </div>
      )}
      <footer className="records-foot">
        <p className="muted" role="status">
          {records.isPending || records.isFetchingNextPage
            ? "Loading…"
            : records.hasNextPage
              ? `${counted(rows.records.length, "record")} so far`
              : counted(rows.records.length, "record")}
        </p>
        {!isEmpty && (
          <p className="keys">
            <kbd>j</kbd> <kbd>k</kbd> move <kbd>Enter</kbd> open <kbd>/</kbd> search
          </p>
        )}
      </footer>
    </main>
  );
}

/** In an order of its own the list is one of what has ended. It says so, that nobody misses the rest. */
function Unplaced({ count: running, onShow }: { count: number; onShow: () => void }) {
  return (
    <p className="records-unplaced">
      {running === 0 ? "None is running now." : `${count(running)} still running, listed here once ended.`}
      {running > 0 && (
        <button type="button" className="button is-small" onClick={onShow}>
          Newest first
        </button>
      )}
    </p>
  );
}

function captionOf(sort: string | null): string {
  if (sort === null) return "Records, newest first";
  return `Records: ${(own(SORTS, sort) ?? sort).toLowerCase()}`;
}

/** The width within the panel of an element; that of the window until it is known. */
function useWidth(element: HTMLElement | null): number {
  const [width, setWidth] = useState(innerWidth);
  useLayoutEffect(() => {
    if (element === null) return undefined;
    const observer = new ResizeObserver(([entry]) => {
      if (entry) setWidth(Math.floor(entry.contentRect.width) - PANEL_BORDERS);
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [element]);
  return width;
}

/** The live state, or while paused the one of that moment. */
function usePausable<T extends LiveState>(live: T) {
  const [frozen, setFrozen] = useState<T | null>(null);
  return {
    live: frozen ?? live,
    isPaused: frozen !== null,
    togglePause: () => setFrozen(frozen === null ? live : null),
  };
}
