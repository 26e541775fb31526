/** What the live view shows, in which order. Pure, so that 500 streams can be tested at once. */
import type { Summary } from "../api/types";
import { FRESH_MS, silenceOf, type LiveState, type OpenExchange } from "./live";

/** A row of the view: what runs, or what closed a moment ago and fades. */
export type Row =
  | { id: string; startedAt: number; exchange: OpenExchange }
  | { id: string; startedAt: number; record: Summary };

export const ORDERS = {
  newest: "Newest first",
  oldest: "Longest running first",
  quietest: "Longest silence first",
} as const;
export type Order = keyof typeof ORDERS;

export function rowsOf(
  live: LiveState,
  { now, order, find }: { now: number; order: Order; find: string },
): Row[] {
  const open = [...live.open.values()].map((exchange): Row => {
    return { id: exchange.id, startedAt: Date.parse(exchange.started_at), exchange };
  });
  const closed = live.closed
    .filter((record) => now - (live.fresh.get(record.id) ?? -Infinity) < FRESH_MS)
    .map((record): Row => ({ id: record.id, startedAt: Date.parse(record.started_at), record }));
  const wanted = find.trim().toLowerCase();
  const rows = [...open, ...closed].filter((row) => wanted === "" || wordsOf(row).includes(wanted));
  return rows.sort((a, b) => COMPARE[order](a, b, now) || (a.id < b.id ? 1 : -1));
}

/** What has ended and faded from the *rows*: each stands in one place only. */
export function endedOf(live: LiveState, rows: readonly Row[]): Summary[] {
  const shown = new Set(rows.map(({ id }) => id));
  return live.closed.filter(({ id }) => !shown.has(id));
}

const COMPARE: Record<Order, (a: Row, b: Row, now: number) => number> = {
  newest: (a, b) => b.startedAt - a.startedAt,
  oldest: (a, b) => a.startedAt - b.startedAt,
  // By whole seconds: rows that flow must not change places with every chunk.
  quietest: (a, b, now) => quiet(b, now) - quiet(a, now) || a.startedAt - b.startedAt,
};

function quiet(row: Row, now: number): number {
  return "exchange" in row ? Math.floor(silenceOf(row.exchange, now) / 1000) : -1;
}

function wordsOf(row: Row): string {
  const { provider, model, user_id, session_id } = "exchange" in row ? row.exchange : row.record;
  return [provider, model, user_id, session_id].join(" ").toLowerCase();
}
