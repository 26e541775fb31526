/** What the list shows: records, and the exchanges that run at their places among them, each id once. */
import type { Summary } from "../api/types";
import type { LiveState, OpenExchange } from "../live/live";
import { matches, type Filter } from "./filters";

export interface Rows {
  /** Both, in their order. */
  all: readonly (OpenExchange | Summary)[];
  open: readonly OpenExchange[];
  /** How many run that would be among them, but have no place in this order before they end. */
  unplaced: number;
  records: readonly Summary[];
  /** The ids of records that ended just now. */
  fresh: ReadonlyMap<string, number>;
}

export function mergeRows({
  stored,
  hasOlder,
  live,
  filters,
  sort = null,
}: {
  /** The pages asked for so far, in the order that was asked for. */
  stored: readonly Summary[];
  hasOlder: boolean;
  live: LiveState;
  filters: readonly Filter[];
  /** The column they are in the order of; null for the usual: the newest first. */
  sort?: string | null;
}): Rows {
  const compare = sort === null ? newestFirst : byColumn(sort);
  const running = [...live.open.values()]
    .filter((exchange) => matches(filters, { ...exchange, outcome: "open" }) === true)
    .sort(newestFirst);

  // Below the last page there may be records we never asked for; one that ended just now
  // but belongs there would stand as if nothing were missing in between.
  const last = hasOlder ? stored.at(-1) : undefined;
  const closed = live.closed.filter((record) => {
    return matches(filters, record) === true && (!last || compare(record, last) <= 0);
  });
  // What runs is placed by its beginning; in another order it has no place yet.
  const open = sort === null ? running.filter((one) => !last || newestFirst(one, last) <= 0) : [];

  // The store may be a moment behind: what we saw end has ended, and may have another place now.
  const ended = new Set(live.closed.map((record) => record.id));
  const known = stored.filter(({ id, outcome }) => {
    return !live.open.has(id) && !(outcome === "open" && ended.has(id));
  });
  const ids = new Set(known.map(({ id }) => id));
  const added = closed.filter(({ id }) => !ids.has(id)).sort(compare);
  const records = woven(known, added, compare);
  const all = woven<OpenExchange | Summary>(records, open, newestFirst);
  return { all, open, unplaced: sort === null ? 0 : running.length, records, fresh: live.fresh };
}

type Compare = (a: Summary, b: Summary) => number;

/** Both lists as one. *many* may be thousands, in order already: they are not sorted again. */
function woven<T>(many: readonly T[], few: readonly T[], compare: (a: T, b: T) => number): readonly T[] {
  if (few.length === 0) return many;
  const all: T[] = [];
  let next = 0;
  for (const record of many) {
    for (let one = few[next]; one && compare(one, record) < 0; one = few[next]) {
      all.push(one);
      next += 1;
    }
    all.push(record);
  }
  return [...all, ...few.slice(next)];
}

interface Begun {
  id: string;
  started_at: string;
}

// The ids are UUIDv7: within one millisecond they still tell which came first.
function newestFirst(a: Begun, b: Begun): number {
  const difference = Date.parse(b.started_at) - Date.parse(a.started_at);
  return difference !== 0 ? difference : inOrder(b.id, a.id);
}

/** The API's own order: absent values last, equal ones by their id. */
function byColumn(sort: string): Compare {
  const sign = sort.startsWith("-") ? -1 : 1;
  const name = sort.replace(/^-/, "") as keyof Summary;
  return (a, b) => {
    const [left, right] = [a[name] as string | number | null, b[name] as string | number | null];
    if (left === right) return sign * inOrder(a.id, b.id);
    if (left === null || right === null) return left === null ? 1 : -1;
    return sign * inOrder(left, right);
  };
}

function inOrder<T extends string | number>(a: T, b: T): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
