import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, type ReactNode } from "react";

import { ask } from "../api/client";
import { counted } from "../format";
import { Problem } from "../parts/problem";
import { readRange, since, type TimeRange } from "../parts/range";
import { RangeTabs } from "../parts/range-tabs";
import { RollupTable, type Column } from "./table";

const REFRESH_MS = 15_000;
// As many as the API gives at once; who has more narrows the time or orders them otherwise.
const LIMIT = 500;

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
  const { data, error, isPending, refetch } = useQuery({
    queryKey: [address, range.text],
    queryFn: ({ signal }) => {
      const query = since(range.text);
      query.set("limit", String(LIMIT));
      return ask(address, { query, signal });
    },
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
  const rows = data === undefined ? [] : rowsOf(data);
  return (
    <main className="page rollup-page">
      <div className="rollup-head">
        <h1>{title}</h1>
        <p className="rollup-total">
          {data && counted(data.total, noun)}
          {data && data.total > rows.length && `, the first ${String(rows.length)}`}
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

