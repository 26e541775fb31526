/**
 * The filters are the query of the address, and the query of the address is the API's:
 * `?outcome=truncated&model=gpt-4o&max_gap_ms.gte=2000`. A page and its JSON are twins.
 */

import { duration, fullTime, words } from "../format";
import { own } from "../parts/own";

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

const OPERATORS: Record<string, string> = {
  gte: "≥",
  lte: "≤",
  gt: ">",
  lt: "<",
  not: "is not",
  exists: "is",
};
const PRESENCE: Record<string, string> = { true: "present", false: "absent" };

/** A filter in words: `max_gap_ms.gte=2000` → "max gap ≥ 2.0 s". */
export function describe([name, value]: Filter): string {
  if (name.startsWith("property.")) return describe([name.slice("property.".length), value]);
  const dot = name.lastIndexOf(".");
  const sign = own(OPERATORS, name.slice(dot + 1));
  const column = sign === undefined ? name : name.slice(0, dot);
  const isTime = column.endsWith("_ms") && value !== "" && !Number.isNaN(Number(value));
  const isMoment = column.endsWith("_at") && !Number.isNaN(Date.parse(value));
  const presence = name.endsWith(".exists") ? own(PRESENCE, value) : undefined;
  const shown =
    presence ?? (isMoment ? fullTime(value) : isTime ? duration(Number(value)) : value || "none");
  return `${words(column.replace(/_ms$/, ""))} ${sign ?? "is"} ${shown}`;
}

/** The filters without one value. */
export function without(filters: readonly Filter[], [name, value]: Filter): Filter[] {
  return filters.filter(([n, v]) => n !== name || v !== value);
}

const BOUNDS: Record<string, (value: number, bound: number) => boolean> = {
  gte: (value, bound) => value >= bound,
  lte: (value, bound) => value <= bound,
  gt: (value, bound) => value > bound,
  lt: (value, bound) => value < bound,
};

type Field = string | number | boolean | null | object | undefined;

/**
 * Whether a record that just came in belongs to the list.
 *
 * Equality of a column can be decided here, and bounds of a number or of the time; `null` means
 * that only the store can tell (text search, properties, what is not known while it runs).
 */
export function matches(filters: readonly Filter[], record: object): boolean | null {
  const fields = record as Record<string, Field>;
  let isSure = true;
  for (const name of new Set(filters.map(([one]) => one))) {
    const isMatch = matchesOne(name, valuesOf(filters, name), fields);
    if (isMatch === false) return false;
    isSure &&= isMatch !== null;
  }
  return isSure ? true : null;
}

function matchesOne(name: string, values: readonly string[], fields: Record<string, Field>): boolean | null {
  const dot = name.lastIndexOf(".");
  const holds = own(BOUNDS, name.slice(dot + 1));
  const field = fields[holds === undefined ? name : name.slice(0, dot)];
  if (field === undefined || (typeof field === "object" && field !== null)) return null;
  if (holds === undefined) return values.includes(String(field ?? ""));
  if (field === null) return false;
  const number = typeof field === "number" ? Number : Date.parse;
  const [value, bounds] = [number(String(field)), values.map((bound) => number(bound))];
  if (Number.isNaN(value) || bounds.some(Number.isNaN)) return null;
  return bounds.every((bound) => holds(value, bound));
}
