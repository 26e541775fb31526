/** Numbers as people read them. Absent is a dash, never 0. */

export const ABSENT = "–";

const whole = new Intl.NumberFormat("en");
const twoDigits = new Intl.NumberFormat("en", {
  minimumSignificantDigits: 2,
  maximumSignificantDigits: 2,
});
const dollars = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const oneDecimal = new Intl.NumberFormat("en", {
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
});

// Made once: to make one takes longer than to use it a hundred times, and a list has many rows.
const wholeDay = new Intl.DateTimeFormat("en", { year: "numeric", month: "short", day: "numeric" });
const shortDay = new Intl.DateTimeFormat("en", { month: "short", day: "numeric" });

type Maybe<T> = T | null | undefined;

/** 412 ms, 9.3 s, 2 m 05 s, 1 h 02 m. */
export function duration(ms: Maybe<number>): string {
  if (ms == null) return ABSENT;
  if (ms < 9.95) return `${Number(ms.toFixed(1))} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ${pad(seconds % 60)} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${pad(minutes % 60)} m`;
}

const SPANS = [
  [86_400, "d"],
  [3600, "h"],
  [60, "min"],
] as const;

/** A round length of time, given in seconds: 10 s, 5 min, 6 h, 1 d. */
export function span(seconds: number): string {
  const [unit, name] = SPANS.find(([length]) => seconds % length === 0) ?? [1, "s"];
  return `${Number((seconds / unit).toFixed(3))} ${name}`;
}

/** Milliseconds to a tenth, where the exact moment matters: 1,234.5 ms. */
export function exactMs(ms: Maybe<number>): string {
  return ms == null ? ABSENT : `${oneDecimal.format(ms)} ms`;
}

/** The gateway's own share, given in microseconds. */
export function micros(us: Maybe<number>): string {
  if (us == null) return ABSENT;
  return us < 1000 ? `${Math.round(us)} µs` : duration(us / 1000);
}

export function count(n: Maybe<number>): string {
  return n == null ? ABSENT : whole.format(n);
}

/** A number with its noun: 1 chunk, 2 chunks. */
export function counted(n: number, noun: string): string {
  return `${whole.format(n)} ${noun}${n === 1 ? "" : "s"}`;
}

/** Tokens per second: 54.2, from 100 on without decimals. */
export function rate(perSecond: Maybe<number>): string {
  if (perSecond == null) return ABSENT;
  return perSecond < 99.95 ? oneDecimal.format(perSecond) : whole.format(Math.round(perSecond));
}

/** $0.00042, $0.031, $1.24: two digits that mean something. */
export function cost(usd: Maybe<number>): string {
  if (usd == null) return ABSENT;
  if (usd === 0) return "$0";
  if (usd >= 0.995) return `$${dollars.format(usd)}`;
  return `$${twoDigits.format(usd)}`;
}

export function bytes(n: Maybe<number>): string {
  if (n == null) return ABSENT;
  if (n < 1000) return `${n} B`;
  const units = ["KB", "MB", "GB", "TB"];
  let size = n;
  let unit = -1;
  while (size >= 999.5 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${size < 9.95 ? size.toFixed(1) : Math.round(size)} ${units[unit] ?? ""}`;
}

/** The local time of day; with the day instead of the seconds where it is not today. */
export function clock(iso: string, now: Date = new Date()): string {
  const at = new Date(iso);
  const time = `${pad(at.getHours())}:${pad(at.getMinutes())}`;
  if (at.toDateString() === now.toDateString()) return `${time}:${pad(at.getSeconds())}`;
  return `${shortDay.format(at)}, ${time}`;
}

/** The local time to the second, with the day where it is not today. */
export function moment(iso: string, now: Date = new Date()): string {
  const at = new Date(iso);
  const time = `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`;
  if (at.toDateString() === now.toDateString()) return time;
  return `${shortDay.format(at)}, ${time}`;
}

/** The whole local date and time, to the millisecond. */
export function fullTime(iso: Maybe<string>): string {
  if (iso == null) return ABSENT;
  const at = new Date(iso);
  const day = wholeDay.format(at);
  const millis = String(at.getMilliseconds()).padStart(3, "0");
  return `${day}, ${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}.${millis}`;
}

/** A word of the API as people write it: fault_in_stream → fault in stream. */
export function words(name: string): string {
  return name.replaceAll("_", " ");
}

function pad(n: number): string {
  return String(n).padStart(2, "0");
}
