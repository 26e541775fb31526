/** The part of the time that a view is about; it stands in the address. */
import { moment } from "../format";
import { isOwn } from "./own";

/** The bounds of a part that was chosen in a chart. */
export const FROM = "started_at.gte";
export const TO = "started_at.lte";

export const RANGES = {
  hour: { label: "1 hour", ms: 3_600_000 },
  day: { label: "24 hours", ms: 86_400_000 },
  week: { label: "7 days", ms: 7 * 86_400_000 },
  all: { label: "All", ms: null },
} as const;
export type RangeName = keyof typeof RANGES;

export interface TimeRange {
  /** Null where a part was drawn over in a chart. */
  name: RangeName | null;
  /** The same in the words of the address, fit to be remembered by. */
  text: string;
  /** The same as filters of the list, as of now. */
  query: URLSearchParams;
}

export function readRange(search: string): TimeRange {
  const query = new URLSearchParams(search);
  const last = query.get("last");
  const isNamed = last !== null && isOwn(RANGES, last);
  const isChosen = query.has(FROM) || query.has(TO);
  const name = isNamed ? last : isChosen ? null : "all";
  return { name, text: query.toString(), query: since(query.toString()) };
}

/** The filters of a range: "the last hour" becomes a moment, all others stay. */
export function since(text: string, now: number = Date.now()): URLSearchParams {
  const query = new URLSearchParams(text);
  const last = query.get("last") ?? "";
  query.delete("last");
  const ms = isOwn(RANGES, last) ? RANGES[last].ms : null;
  if (ms !== null) query.set(FROM, new Date(now - ms).toISOString());
  return query;
}

/** The bounds in words: `12:00:03 – 12:04:10`. */
export function wordsOf(query: URLSearchParams, now: Date = new Date()): string {
  const [from, to] = [FROM, TO].map((name) => query.get(name));
  if (from == null) return to == null ? "" : `until ${moment(to, now)}`;
  return to == null ? `since ${moment(from, now)}` : `${moment(from, now)} – ${moment(to, now)}`;
}
