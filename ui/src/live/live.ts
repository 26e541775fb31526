/**
 * What is running now, as a value: events in, next state out.
 *
 * `open` holds the exchanges that run; `closed` the summaries of those that ended while we
 * watched, newest end first. A batch of events copies the state once, so that thousands of
 * events a second stay cheap. Time is an argument.
 */
import type { Summary, UsageSource } from "../api/types";

export interface Opened {
  id: string;
  started_at: string;
  provider: string | null;
  model: string | null;
  path: string | null;
  streaming: boolean;
  user_id: string | null;
  session_id: string | null;
}

export interface Progress {
  id: string;
  /** Who asked whom may have been unknown when it opened, its request still on the way. */
  model: string | null;
  user_id: string | null;
  elapsed_ms: number;
  ttft_ms: number | null;
  chunks: number;
  bytes_out: number;
  output_tokens: number | null;
  usage_source: UsageSource;
  max_gap_ms: number | null;
  /** How long ago the last chunk came; null before there was one. */
  idle_ms: number | null;
  /** The times between the last chunks, the newest at the end. */
  gaps_ms: readonly number[];
  /** The end of the text so far. */
  text: string | null;
}

export type LiveEvent =
  | { type: "connected" }
  | { type: "opened"; data: Opened }
  | { type: "progress"; data: Progress }
  | { type: "closed"; data: Summary };

/** An open exchange; its age was `elapsedMs` at our clock's `seenAt`. */
export interface OpenExchange extends Opened {
  progress: Progress | null;
  elapsedMs: number;
  seenAt: number;
}

export interface LiveState {
  open: ReadonlyMap<string, OpenExchange>;
  closed: readonly Summary[];
  /** Those that closed just now, and when. */
  fresh: ReadonlyMap<string, number>;
  /** How many have closed since the page was opened, kept or not. */
  closedCount: number;
  /** How often we connected: what happened in between has to be asked for. */
  connections: number;
}

/** How long a record counts as just closed. */
export const FRESH_MS = 3000;

/** Enough for a busy minute; older ones come from the store. */
export const CLOSED_KEPT = 500;

export const NOTHING_YET: LiveState = {
  open: new Map(),
  closed: [],
  fresh: new Map(),
  closedCount: 0,
  connections: 0,
};

/** `now` is the page's monotonic clock, `wall` the time of day, both in milliseconds. */
export function reduce(
  state: LiveState,
  events: readonly LiveEvent[],
  { now, wall }: { now: number; wall: number },
): LiveState {
  const open = new Map(state.open);
  const closed: Summary[] = [];
  let connections = state.connections;
  for (const event of events) {
    switch (event.type) {
      case "connected":
        // The server tells all that are open right after; what we held may have ended unseen.
        open.clear();
        connections += 1;
        break;
      case "opened": {
        const elapsedMs = Math.max(0, wall - Date.parse(event.data.started_at));
        open.set(event.data.id, { ...event.data, progress: null, elapsedMs, seenAt: now });
        break;
      }
      case "progress": {
        const known = open.get(event.data.id);
        if (known === undefined) break;
        const { elapsed_ms: elapsedMs, model, user_id } = event.data;
        open.set(known.id, {
          ...known,
          model: model ?? known.model,
          user_id: user_id ?? known.user_id,
          progress: told(event.data),
          elapsedMs,
          seenAt: now,
        });
        break;
      }
      case "closed":
        open.delete(event.data.id);
        closed.unshift(event.data);
        break;
    }
  }
  const closedIds = new Set(closed.map((record) => record.id));
  const kept = closed.length
    ? [...closed, ...state.closed.filter((record) => !closedIds.has(record.id))]
    : state.closed;
  const fresh = new Map([...state.fresh].filter(([, at]) => now - at < FRESH_MS));
  for (const id of closedIds) fresh.set(id, now);
  return {
    open,
    fresh,
    closed: kept.length > CLOSED_KEPT ? kept.slice(0, CLOSED_KEPT) : kept,
    closedCount: state.closedCount + closed.length,
    connections,
  };
}

/** Some providers state a first token before they made one: none counts until content came. */
function told(progress: Progress): Progress {
  return progress.ttft_ms === null ? { ...progress, output_tokens: null } : progress;
}

/** How long an exchange has been open at `now`. */
export function ageOf(exchange: OpenExchange, now: number): number {
  return exchange.elapsedMs + Math.max(0, now - exchange.seenAt);
}

/** How long nothing has come at `now`: since the last chunk, or since it was opened. */
export function silenceOf(exchange: OpenExchange, now: number): number {
  const { progress } = exchange;
  if (progress?.idle_ms == null) return ageOf(exchange, now);
  return progress.idle_ms + Math.max(0, now - exchange.seenAt);
}

// A pause that a reader takes for a hang; the same bound that the meter counts stalls with.
export const STALL_MS = 2000;

export type Pace = "waiting" | "streaming" | "stalled";

/** Whether an open exchange still waits for its first content, flows, or stands still. */
export function paceOf(exchange: OpenExchange, now: number): Pace {
  if (exchange.progress?.ttft_ms == null) return "waiting";
  return silenceOf(exchange, now) > STALL_MS ? "stalled" : "streaming";
}

/** Output tokens per second since the first, null where there is too little to tell. */
export function rateOf(exchange: OpenExchange, now: number): number | null {
  const { progress } = exchange;
  if (progress?.output_tokens == null || progress.ttft_ms === null) return null;
  const seconds = (ageOf(exchange, now) - progress.ttft_ms) / 1000;
  return progress.output_tokens > 1 && seconds > 0.2 ? (progress.output_tokens - 1) / seconds : null;
}
