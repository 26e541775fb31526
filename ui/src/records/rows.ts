/** What the list shows: the exchanges that run, then the records, each id once. */
import type { Summary } from "../api/types";
import type { LiveState, OpenExchange } from "../live/live";
import { matches, type Filter } from "./filters";

export interface Rows {
  open: OpenExchange[];
  records: Summary[];
  /** The ids of records that ended just now. */
  fresh: ReadonlyMap<string, number>;
}

export function mergeRows({
  stored,
  hasOlder,
  live,
  filters,
}: {
  /** The pages asked for so far, newest first. */
  stored: readonly Summary[];
  hasOlder: boolean;
  live: LiveState;
  filters: readonly Filter[];
}): Rows {
  const open = [...live.open.values()]
    .filter((exchange) => matches(filters, { ...exchange, outcome: "open" }) === true)
    .sort(newestFirst);

  // Below the last page there may be records we never asked for; one that ended just now
  // but began so long ago would stand there as if nothing were missing in between.
  const last = hasOlder ? stored.at(-1) : undefined;
  const closed = live.closed.filter((record) => {
    return matches(filters, record) === true && (!last || newestFirst(record, last) <= 0);
  });

  const byId = new Map<string, Summary>();
  for (const record of stored) {
    if (live.open.has(record.id)) continue; // it stands among the open ones
    byId.set(record.id, record);
  }
  // The store may be a moment behind: what we saw end has ended.
  const ended = new Map(live.closed.map((record) => [record.id, record]));
  for (const [id, record] of byId) {
    const seen = ended.get(id);
    if (record.outcome !== "open" || seen === undefined) continue;
    if (matches(filters, seen) === false) byId.delete(id);
    else byId.set(id, seen);
  }
  const added = closed.filter((record) => !byId.has(record.id)).sort(newestFirst);
  return { open, records: woven([...byId.values()], added), fresh: live.fresh };
}

/** Both lists as one. *many* may be thousands, in order already: they are not sorted again. */
function woven(many: Summary[], few: readonly Summary[]): Summary[] {
  if (few.length === 0) return many;
  const all: Summary[] = [];
  let next = 0;
  for (const record of many) {
    for (let one = few[next]; one && newestFirst(one, record) < 0; one = few[next]) {
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
  if (difference !== 0) return difference;
  return a.id === b.id ? 0 : a.id < b.id ? 1 : -1;
}
