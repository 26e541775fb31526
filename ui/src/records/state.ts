/** The list's whole state, as the address holds it: what it is about, how cut, how ordered. */
import { isOwn } from "../parts/own";
import { FROM, RANGES, since, TO, type RangeName } from "../parts/range";
import { readFilters, type Filter } from "./filters";

export const NEWEST = "-started_at";

/** What one most often looks for at the end of a list. */
export const SORTS: Readonly<Record<string, string>> = {
  [NEWEST]: "Newest first",
  "-ttft_ms": "Slowest first token",
  "-max_gap_ms": "Longest gap",
  "-duration_ms": "Longest",
  "-cost_usd": "Dearest",
  "-output_tokens": "Most tokens out",
};

export interface ListState {
  filters: readonly Filter[];
  /** Null for the usual order: the newest first, as they come. */
  sort: string | null;
  /** A part of the time that moves along with the clock. */
  last: RangeName | null;
  /** Names of columns; null for the usual ones. */
  columns: readonly string[] | null;
}

export function readState(search: string): ListState {
  const query = new URLSearchParams(search);
  const sort = query.get("sort");
  const last = query.get("last");
  return {
    filters: readFilters(search),
    sort: sort === NEWEST || sort === "" ? null : sort,
    columns: query.get("columns")?.split(" ").filter(Boolean) ?? null,
    last: last !== null && isOwn(RANGES, last) && last !== "all" ? last : null,
  };
}

export function addressOf({ filters, sort, last, columns }: ListState): string {
  const query = new URLSearchParams(filters.map(([name, value]) => [name, value]));
  if (last !== null) query.set("last", last);
  if (sort !== null) query.set("sort", sort);
  if (columns !== null) query.set("columns", columns.join(" "));
  const text = query.toString();
  return text === "" ? "/" : `/?${text}`;
}

/** What the API is asked: "the last hour" is a moment by now. */
export function questionOf(
  { filters, sort, last }: Pick<ListState, "filters" | "sort" | "last">,
  now: number = Date.now(),
): URLSearchParams {
  const query = new URLSearchParams(filters.map(([name, value]) => [name, value]));
  if (last !== null) query.set("last", last);
  if (sort !== null) query.set("sort", sort);
  return since(query.toString(), now);
}

/** The filters within a part of the time, in seconds since 1970; null for all of it. */
export function withTime(
  filters: readonly Filter[],
  part: readonly [from: number, to: number] | null,
): Filter[] {
  const others = filters.filter(([name]) => name !== FROM && name !== TO);
  if (part === null) return others;
  const [from, to] = part.map((seconds) => new Date(seconds * 1000).toISOString());
  return [...others, [FROM, from ?? ""], [TO, to ?? ""]];
}
