import { useDeferredValue, useEffect, useMemo, useRef, useState } from "react";

import { count } from "../format";
import type { LiveState } from "../live/live";
import { useLive } from "../live/use-live";
import { FirstRun } from "../parts/connect";
import { Problem } from "../parts/problem";
import { navigate } from "../router";
import { FilterBar } from "./filter-bar";
import { Export } from "./export";
import { NEWEST, queryOf, readFilters, readSort, SORTS, writeFilters } from "./filters";
import { mergeRows } from "./rows";
import { RecordsTable } from "./table";
import { useListKeys } from "./use-list-keys";
import { useRecords } from "./use-records";
import "./records.css";

export function RecordsPage({ search }: { search: string }) {
  const filters = useMemo(() => readFilters(search), [search]);
  const { live, isPaused, togglePause } = usePausable(useLive());
  const sort = useMemo(() => readSort(search), [search]);
  const records = useRecords(filters, sort, live, isPaused);
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
  if (isKnown && isEmpty && filters.length === 0) return <FirstRun />;

  return (
    <main className="page" ref={list}>
      <div className="records-head">
        <h1>Records</h1>
        <p className="records-open">
          {live.open.size > 0 ? `${count(live.open.size)} open now` : "none open"}
        </p>
        <select
          className="field records-sort"
          aria-label="Order"
          value={sort ?? NEWEST}
          onChange={(event) => {
            navigate(writeFilters(filters, event.target.value === NEWEST ? null : event.target.value));
          }}
        >
          {Object.entries(SORTS).map(([value, words]) => (
            <option key={value} value={value}>
              {words}
            </option>
          ))}
          {sort !== null && !(sort in SORTS) && <option value={sort}>{sort}</option>}
        </select>
        <Export query={queryOf(filters, sort)} />
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
      <FilterBar filters={filters} onChange={(next) => navigate(writeFilters(next, sort))} />
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
