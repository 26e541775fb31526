import { lazy, Suspense, useDeferredValue, useEffect, useMemo, useRef, useState } from "react";

import { count } from "../format";
import type { LiveState } from "../live/live";
import { useLive } from "../live/use-live";
import { FirstRun } from "../parts/connect";
import { Problem } from "../parts/problem";
import { readRange } from "../parts/range";
import { RangeTabs } from "../parts/range-tabs";
import { navigate } from "../router";
import { FilterBar } from "./filter-bar";
import { Export } from "./export";
import { mergeRows } from "./rows";
import { addressOf, NEWEST, questionOf, readState, SORTS, withTime, type ListState } from "./state";
import { RecordsTable } from "./table";
import { useListKeys } from "./use-list-keys";
import { useRecords } from "./use-records";
import "./records.css";

// What draws charts comes after the list, so that the first load stays small.
const TimeChart = lazy(() => import("./time-chart").then((m) => ({ default: m.TimeChart })));

export function RecordsPage({ search }: { search: string }) {
  const state = useMemo(() => readState(search), [search]);
  const { filters, sort } = state;
  const change = (changes: Partial<ListState>) => navigate(addressOf({ ...state, ...changes }));
  const { live, isPaused, togglePause } = usePausable(useLive());
  const records = useRecords(state, live, isPaused);
  const stored = useMemo(() => records.data?.pages.flatMap((page) => page.records), [records.data]);
  const rows = useMemo(
    () =>
      sort === null
        ? mergeRows({ stored: stored ?? [], hasOlder: records.hasNextPage, live, filters })
        : { open: [], records: stored ?? [], fresh: new Map<string, number>() },
    [stored, records.hasNextPage, live, filters, sort],
  );
  const shown = useDeferredValue(rows);
  const isEmpty = rows.open.length + rows.records.length === 0;
  const list = useRef<HTMLElement>(null);
  useListKeys(list, !isEmpty);

  useEffect(() => {
    document.title = "Records · Streamgauge";
  }, []);

  const isKnown = stored !== undefined && !records.isPlaceholderData;
  if (isKnown && isEmpty && filters.length === 0 && state.last === null) return <FirstRun />;

  return (
    <main className="page" ref={list}>
      <div className="records-head">
        <h1>Records</h1>
        <p className="records-open">
          {live.open.size > 0 ? `${count(live.open.size)} open now` : "none open"}
        </p>
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
          {sort !== null && !(sort in SORTS) && <option value={sort}>{sort}</option>}
        </select>
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
        <Suspense>
          <TimeChart
            state={state}
            isPaused={isPaused}
            onSelect={(part) => change({ filters: withTime(filters, part), last: null })}
          />
        </Suspense>
      </div>
      <FilterBar filters={filters} onChange={(next) => change({ filters: next })} />
      {records.error && (
        <Problem error={records.error} onRetry={() => void records.refetch()} />
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
        <div className="panel records-panel">
          <RecordsTable rows={shown} isStale={records.isPlaceholderData} />
        </div>
      )}
      <footer className="records-foot">
        {records.hasNextPage ? (
          <button
            type="button"
            className="button"
            disabled={records.isFetchingNextPage}
            onClick={() => void records.fetchNextPage()}
          >
            {records.isFetchingNextPage ? "Loading…" : sort === null ? "Older records" : "More records"}
          </button>
        ) : (
          records.isPending && <p className="muted">Loading…</p>
        )}
        {!isEmpty && (
          <p className="keys">
            <kbd>j</kbd> <kbd>k</kbd> move <kbd>Enter</kbd> open <kbd>/</kbd> search
          </p>
        )}
      </footer>
    </main>
  );
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
