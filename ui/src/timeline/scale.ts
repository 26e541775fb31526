/** The geometry of a timeline: pure functions from milliseconds to pixels. */
import type { Chunk, Summary } from "../api/types";
import { duration } from "../format";
import { STALL_MS } from "../live/live";

/** The marks in the order in which they usually come. */
export const MARKS = [
  { field: "connect_ms", label: "Connected" },
  { field: "headers_ms", label: "Headers" },
  { field: "first_byte_ms", label: "First byte" },
  { field: "first_event_ms", label: "First event" },
  { field: "first_reasoning_ms", label: "First reasoning" },
  { field: "ttft_ms", label: "First content" },
  { field: "last_token_ms", label: "Last token" },
  { field: "duration_ms", label: "End" },
] as const;

export interface Mark {
  label: string;
  ms: number;
}

export type Times = Pick<Summary, (typeof MARKS)[number]["field"]>;

/** With how many chunks came; the times of those that a log tells of may be unknown. */
export type Timed = Times & Pick<Summary, "chunks">;

export function marksOf(record: Times): Mark[] {
  return MARKS.flatMap(({ field, label }) => {
    const ms = record[field];
    return ms === null ? [] : [{ label, ms }];
  }).sort((a, b) => a.ms - b.ms);
}

/** Where the time axis ends: at the last thing that happened, or at 1 ms where nothing did. */
export function endOf(record: Times, chunks: readonly Chunk[]): number {
  return Math.max(chunks.at(-1)?.[0] ?? 0, ...marksOf(record).map((mark) => mark.ms)) || 1;
}

export interface Gap {
  fromMs: number;
  toMs: number;
}

/** The silences of more than 2 s after the first chunk, also the one before the end. */
export function gapsOf(chunks: readonly Chunk[], endMs: number | null): Gap[] {
  const times = chunks.map(([ms]) => ms);
  if (endMs !== null && times.length > 0) times.push(endMs);
  return times.flatMap((toMs, index) => {
    const fromMs = times[index - 1];
    return fromMs !== undefined && toMs - fromMs > STALL_MS ? [{ fromMs, toMs }] : [];
  });
}

export interface Phase {
  kind: "wait" | "reason" | "stream" | "close";
  label: string;
  fromMs: number;
  toMs: number;
}

/** What the time was spent on, without holes from 0 to the end. */
export function phasesOf(record: Times, endMs: number): Phase[] {
  const content = record.ttft_ms ?? endMs;
  const reasoning = Math.min(record.first_reasoning_ms ?? content, content);
  const last = record.ttft_ms === null ? endMs : Math.max(record.last_token_ms ?? endMs, content);
  const phases: Phase[] = [
    { kind: "wait", label: "Waiting", fromMs: 0, toMs: reasoning },
    { kind: "reason", label: "Reasoning", fromMs: reasoning, toMs: content },
    { kind: "stream", label: "Content", fromMs: content, toMs: last },
    { kind: "close", label: "Closing", fromMs: last, toMs: endMs },
  ];
  return phases.filter((phase) => phase.toMs > phase.fromMs);
}

/** Round steps of the axis from *fromMs* on, about one per *spacing* pixels. */
export function ticksOf(endMs: number, width: number, spacing = 90, fromMs = 0): number[] {
  const wanted = (endMs - fromMs) / Math.max(2, Math.floor(width / spacing));
  const power = 10 ** Math.floor(Math.log10(wanted));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= wanted) ?? wanted;
  const ticks: number[] = [];
  const first = Math.max(0, Math.ceil(fromMs / step - 0.0001));
  for (let index = first; index * step <= endMs * 1.0001; index += 1) ticks.push(index * step);
  return ticks;
}

/** A tick in the axis' own unit, so that they read alike: 0, 0.5 s, 1 s. */
export function tickLabel(ms: number, endMs: number): string {
  if (ms === 0) return "0";
  if (endMs < 1000) return `${Number(ms.toFixed(2))} ms`;
  return endMs < 120_000 ? `${Number((ms / 1000).toFixed(2))} s` : duration(ms);
}

export interface Bar {
  x: number;
  /** The most bytes that one chunk of this pixel brought. */
  bytes: number;
}

/** One bar per pixel: a stream of 50,000 chunks draws as fast as one of fifty. */
export function barsOf(chunks: readonly Chunk[], x: (ms: number) => number): Bar[] {
  const bars: Bar[] = [];
  for (const [ms, bytes] of chunks) {
    const at = Math.round(x(ms));
    const last = bars.at(-1);
    if (last?.x === at) last.bytes = Math.max(last.bytes, bytes);
    else bars.push({ x: at, bytes });
  }
  return bars;
}

/** The bytes so far as a stepped area from (0, 0) to (1, 1), one point per pixel. */
export function volumeOf(chunks: readonly Chunk[], x: (ms: number) => number): [number, number][] {
  const total = chunks.reduce((sum, [, bytes]) => sum + bytes, 0);
  const points: [number, number][] = [];
  let sum = 0;
  for (const [ms, bytes] of chunks) {
    sum += bytes;
    const at = Math.round(x(ms));
    const share = total === 0 ? 0 : sum / total;
    const last = points.at(-1);
    if (last?.[0] === at) last[1] = share;
    else points.push([at, share]);
  }
  return points;
}

/** The index of the chunk nearest to *ms*; -1 where there are none. */
export function nearest(chunks: readonly Chunk[], ms: number): number {
  let low = 0;
  let high = chunks.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((chunks[middle]?.[0] ?? 0) < ms) low = middle + 1;
    else high = middle;
  }
  const before = chunks[low - 1];
  const after = chunks[low];
  if (after === undefined) return low - 1;
  if (before === undefined) return low;
  return ms - before[0] <= after[0] - ms ? low - 1 : low;
}

export interface Flag extends Mark {
  x: number;
  lane: number;
  /** Which way the words go from the pole. */
  side: "right" | "left";
  text: string;
}

const GLYPH = 6.3; // the mean width of a character at the flags' size, in pixels
const PADDING = 12;

/**
 * Put each mark's words beside its pole, in the highest lane where they cross nothing.
 *
 * Marks crowd at the beginning and at the end. Those whose words would leave the right edge
 * hang to the left and are placed first, from the edge inwards; the others follow from the
 * left. Poles go down from their lane, so words must keep clear of higher lanes' poles.
 */
export function flagsOf(marks: readonly Mark[], x: (ms: number) => number, width: number): Flag[] {
  const flags = marks.map((mark): Flag => {
    const text = `${mark.label} ${duration(mark.ms)}`;
    const at = x(mark.ms);
    const side = at + text.length * GLYPH + PADDING > width ? "left" : "right";
    return { ...mark, x: at, lane: 0, side, text };
  });
  const order = [
    ...flags.filter((flag) => flag.side === "left").reverse(),
    ...flags.filter((flag) => flag.side === "right"),
  ];
  const placed: Flag[] = [];
  for (const flag of order) {
    while (flag.lane < flags.length && placed.some((other) => isCrossing(flag, other))) {
      flag.lane += 1;
    }
    placed.push(flag);
  }
  return flags;
}

function isCrossing(flag: Flag, other: Flag): boolean {
  if (flag.lane === other.lane) return spansOverlap(spanOf(flag), spanOf(other));
  const [upper, lower] = flag.lane < other.lane ? [flag, other] : [other, flag];
  const [from, to] = spanOf(lower);
  // Its own pole and one at the same place are no obstacle.
  return upper.x > from && upper.x < to && Math.abs(upper.x - lower.x) > 1;
}

function spanOf(flag: Flag): [number, number] {
  const length = flag.text.length * GLYPH + PADDING;
  return flag.side === "right" ? [flag.x, flag.x + length] : [flag.x - length, flag.x];
}

function spansOverlap(a: [number, number], b: [number, number]): boolean {
  return a[0] < b[1] && b[0] < a[1];
}

/** A part of the time axis. */
export interface Range {
  fromMs: number;
  toMs: number;
}

// Closer than this there is nothing left to see apart.
const LEAST_RANGE_MS = 5;

/** *range* made *factor* times as long around *centreMs*, inside of 0 to *wholeMs*. */
export function zoomed(range: Range, factor: number, centreMs: number, wholeMs: number): Range {
  const length = Math.min(wholeMs, Math.max(LEAST_RANGE_MS, (range.toMs - range.fromMs) * factor));
  const share = (centreMs - range.fromMs) / (range.toMs - range.fromMs);
  const fromMs = Math.min(Math.max(0, centreMs - share * length), wholeMs - length);
  return { fromMs, toMs: fromMs + length };
}
