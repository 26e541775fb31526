/**
 * The filters are the query of the address, and the query of the address is the API's:
 * `?outcome=truncated&model=gpt-4o&max_gap_ms.gte=2000`. A page and its JSON are twins.
 */

import { duration, fullTime, words } from "../format";

/** The columns with a menu of their own. Others from the address show as chips. */
export const MENUS = [
  { column: "outcome", label: "Outcome" },
  { column: "provider", label: "Provider" },
  { column: "model", label: "Model" },
  { column: "user_id", label: "User" },
] as const;

export type Filter = readonly [name: string, value: string];

// How a list is cut and ordered is not what it is about.
const NOT_FILTERS = new Set(["cursor", "limit", "sort", "last", "columns"]);

export function readFilters(search: string): Filter[] {
  return [...new URLSearchParams(search)].filter(([name, value]) => {
    // An empty value asks for records where it is absent, but nobody searches for nothing.
    return !NOT_FILTERS.has(name) && !(name === "q" && value === "");
  });
}

export function valuesOf(filters: readonly Filter[], name: string): string[] {
  return filters.filter(([n]) => n === name).map(([, value]) => value);
}

/** The filters with *name* asking for *values*, any of them; none removes it. */
export function withValues(
  filters: readonly Filter[],
  name: string,
  values: readonly string[],
): Filter[] {
  return [...filters.filter(([n]) => n !== name), ...values.map((value) => [name, value] as const)];
}

const OPERATORS: Record<string, string> = { gte: "≥", lte: "≤", gt: ">", lt: "<", not: "is not" };

/** A filter in words: `max_gap_ms.gte=2000` → "max gap ≥ 2.0 s". */
export function describe([name, value]: Filter): string {
  if (name.startsWith("property.")) return describe([name.slice("property.".length), value]);
  const dot = name.lastIndexOf(".");
  const sign = OPERATORS[name.slice(dot + 1)];
  const column = sign === undefined ? name : name.slice(0, dot);
  const isTime = column.endsWith("_ms") && value !== "" && !Number.isNaN(Number(value));
  const isMoment = column.endsWith("_at") && !Number.isNaN(Date.parse(value));
  const shown = isMoment ? fullTime(value) : isTime ? duration(Number(value)) : value || "none";
  return `${words(column.replace(/_ms$/, ""))} ${sign ?? "is"} ${shown}`;
}

/** The filters without one value. */
export function without(filters: readonly Filter[], [name, value]: Filter): Filter[] {
  return filters.filter(([n, v]) => n !== name || v !== value);
}

// How a moment can miss a bound.
const TIMES: Record<string, (moment: number, bound: number) => boolean> = {
  "started_at.gte": (moment, bound) => moment < bound,
  "started_at.lte": (moment, bound) => moment > bound,
};

type Field = string | number | boolean | null | object | undefined;

/**
 * Whether a record that just came in belongs to the list.
 *
 * Equality of a column can be decided here, and a part of the time; `null` means that only the
 * store can tell (text search, other ranges, properties).
 */
export function matches(filters: readonly Filter[], record: object): boolean | null {
  const fields = record as Record<string, Field>;
  const names = new Set(filters.map(([name]) => name));
  let isSure = true;
  for (const name of names) {
    const isBefore = TIMES[name];
    if (isBefore !== undefined) {
      const began = Date.parse((record as { started_at: string }).started_at);
      if (valuesOf(filters, name).some((bound) => isBefore(began, Date.parse(bound)))) return false;
      continue;
    }
    const field = fields[name];
    if (field === undefined || (typeof field === "object" && field !== null)) {
      isSure = false;
    } else if (!valuesOf(filters, name).includes(String(field ?? ""))) {
      return false;
    }
  }
  return isSure ? true : null;
}
