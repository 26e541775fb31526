import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { useEffect, useMemo, type ReactNode } from "react";

import { ask } from "../api/client";
import { count, counted } from "../format";
import { Problem } from "../parts/problem";
import { readRange, since, type TimeRange } from "../parts/range";
import { RangeTabs } from "../parts/range-tabs";
import { RollupTable, type Column } from "./table";

const REFRESH_MS = 15_000;
// As many as one looks through at a time.
const PAGE = 200;

type Address = "/api/v1/sessions" | "/api/v1/users" | "/api/v1/models";
type Answer = Awaited<ReturnType<typeof ask<Address>>>;

interface Props<T> {
  title: string;
  path: string;
  noun: string;
  address: Address;
  rowsOf: (answer: Answer) => readonly T[];
  keyOf: (row: T) => string;
  columns: (range: TimeRange) => readonly Column<T>[];
  /** The order where the address names none: the API's own. */
  usualSort: string;
  /** What to do so that there is something here. */
  hint: ReactNode;
  search: string;
}

/** A view of records added up: sessions, users or models. */
export function RollupPage<T>(props: Props<T>) {
  const { title, path, noun, address, rowsOf, keyOf, columns, usualSort, hint, search } = props;
  const range = useMemo(() => readRange(search), [search]);
  const { data, error, isPending, refetch, hasNextPage, isFetchingNextPage, fetchNextPage } = useInfiniteQuery({
    queryKey: [address, range.text],
    queryFn: ({ pageParam, signal }) => {
      const query = since(range.text);
      query.set("limit", String(PAGE));
      if (pageParam !== null) query.set("cursor", pageParam);
      return ask(address, { query, signal });
    },
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: keepPreviousData,
    refetchInterval: REFRESH_MS,
  });
  useEffect(() => {
    document.title = `${title} · Streamgauge`;
  }, [title]);

  const state = new URLSearchParams(range.text);
  const addressOf = (sort: string) => {
    const query = new URLSearchParams(state);
    if (sort === usualSort) query.delete("sort");
    else query.set("sort", sort);
    const text = query.toString();
    return text === "" ? path : `${path}?${text}`;
  };
  const all = (data?.pages ?? []).flatMap(rowsOf);
  // Sums change: what has moved from one page to another in between stands once.
  const rows = [...new Map(all.map((row) => [keyOf(row), row])).values()];
  const total = data?.pages.at(-1)?.total ?? 0;
  return (
    <main className="page rollup-page">
      <div className="rollup-head">
        <h1>{title}</h1>
        <p className="rollup-total">
          {data && counted(total, noun)}
          {hasNextPage && `, the first ${count(rows.length)}`}
        </p>
        <RangeTabs path={path} range={range} />
      </div>
      {error && <Problem error={error} onRetry={() => void refetch()} />}
      {isPending && <p className="muted">Loading…</p>}
      {data && rows.length === 0 && <div className="notice">{hint}</div>}
      {rows.length > 0 && (
        <RollupTable
          caption={title}
          columns={columns(range)}
          rows={rows}
          keyOf={keyOf}
          sort={state.get("sort") ?? usualSort}
          addressOf={addressOf}
        />
      )}
      {hasNextPage && (
        <button
          type="button"
          className="button rollup-more"
          disabled={isFetchingNextPage}
          onClick={() => void fetchNextPage()}
        >
          Show more
        </button>
      )}
    </main>
  );
}

/** The records behind a row: the list, filtered by what the row is and the time of the view. */
export function recordsOf(range: TimeRange, filters: Record<string, string | readonly string[]>): string {
  const query = new URLSearchParams(range.query);
  query.delete("sort");
  for (const [name, values] of Object.entries(filters)) {
    for (const value of [values].flat()) query.append(name, value);
  }
  return `/?${query.toString()}`;
}

