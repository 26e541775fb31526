import { expect, test } from "vitest";

import { summary } from "../testing";
import {
  ageOf,
  CLOSED_KEPT,
  FRESH_MS,
  NOTHING_YET,
  paceOf,
  rateOf,
  reduce,
  silenceOf,
  STALL_MS,
  type LiveEvent,
  type Opened,
  type Progress,
} from "./live";

const WALL = Date.parse("2026-11-23T12:00:01.000Z");
const clocks = (now: number) => ({ now, wall: WALL });

function openedOf(id: string): Opened {
  const { started_at, provider, model, path, streaming, user_id, session_id } = summary();
  return { id, started_at, provider, model, path, streaming, user_id, session_id };
}

function opened(id: string): LiveEvent {
  return { type: "opened", data: openedOf(id) };
}

function progressOf(id: string, elapsed_ms: number): Progress {
  return {
    id,
    model: null,
    user_id: null,
    elapsed_ms,
    ttft_ms: 300,
    chunks: 5,
    bytes_out: 900,
    output_tokens: 4,
    usage_source: "estimated",
    max_gap_ms: 20,
    idle_ms: 10,
    gaps_ms: [20, 18],
    text: "Hello",
  };
}

function progress(id: string, elapsed_ms: number): LiveEvent {
  return { type: "progress", data: progressOf(id, elapsed_ms) };
}

test("an exchange opens, moves on and closes", () => {
  let state = reduce(NOTHING_YET, [{ type: "connected" }, opened("a")], clocks(100));
  expect(state.open.get("a")?.progress).toBeNull();
  state = reduce(state, [progress("a", 1500)], clocks(600));
  expect(state.open.get("a")?.progress?.output_tokens).toBe(4);
  state = reduce(state, [{ type: "closed", data: summary({ id: "a" }) }], clocks(700));
  expect(state.open.size).toBe(0);
  expect(state.closed.map((record) => record.id)).toEqual(["a"]);
  expect(state.closedCount).toBe(1);
});

test("a token that is stated before there is content is none yet", () => {
  const early = progress("a", 1500);
  if (early.type === "progress") early.data.ttft_ms = null;
  const { open } = reduce(NOTHING_YET, [opened("a"), early], clocks(100));
  expect(open.get("a")?.progress?.output_tokens).toBeNull();
});

test("the age goes on between two events, from what the server said last", () => {
  let state = reduce(NOTHING_YET, [opened("a")], clocks(100));
  const young = state.open.get("a");
  expect(young && ageOf(young, 350)).toBe(1250);
  state = reduce(state, [progress("a", 5000)], clocks(400));
  const older = state.open.get("a");
  expect(older && ageOf(older, 900)).toBe(5500);
});

test("a clock ahead of ours does not make an exchange younger than nothing", () => {
  const state = reduce(NOTHING_YET, [opened("a")], { now: 0, wall: WALL - 60_000 });
  expect(state.open.get("a")?.elapsedMs).toBe(0);
});

test("a new connection forgets what may have ended unseen", () => {
  let state = reduce(NOTHING_YET, [{ type: "connected" }, opened("a"), opened("b")], clocks(0));
  state = reduce(state, [{ type: "connected" }, opened("b")], clocks(50));
  expect([...state.open.keys()]).toEqual(["b"]);
  expect(state.connections).toBe(2);
});

test("progress of an unknown exchange is left alone", () => {
  expect(reduce(NOTHING_YET, [progress("x", 1)], clocks(0)).open.size).toBe(0);
});

test("a record that closes twice stands once, with its last word", () => {
  let state = reduce(NOTHING_YET, [{ type: "closed", data: summary({ id: "a" }) }], clocks(0));
  const last = summary({ id: "a", outcome: "truncated" });
  state = reduce(state, [{ type: "closed", data: last }], clocks(1));
  expect(state.closed).toEqual([last]);
});

test("the closed ones are bounded and the newest are kept", () => {
  const events = Array.from({ length: CLOSED_KEPT + 5 }, (_, index): LiveEvent => {
    return { type: "closed", data: summary({ id: `r${index}` }) };
  });
  const state = reduce(NOTHING_YET, events, clocks(0));
  expect(state.closed).toHaveLength(CLOSED_KEPT);
  expect(state.closed[0]?.id).toBe(`r${CLOSED_KEPT + 4}`);
  expect(state.closedCount).toBe(CLOSED_KEPT + 5);
});

test("what closed is fresh for a moment only", () => {
  let state = reduce(NOTHING_YET, [{ type: "closed", data: summary({ id: "a" }) }], clocks(0));
  expect(state.fresh.has("a")).toBe(true);
  state = reduce(state, [opened("b")], clocks(FRESH_MS));
  expect(state.fresh.has("a")).toBe(false);
});

test("the state before is not touched", () => {
  const before = reduce(NOTHING_YET, [opened("a")], clocks(0));
  reduce(before, [{ type: "closed", data: summary({ id: "a" }) }], clocks(1));
  expect(before.open.size).toBe(1);
  expect(before.closed).toHaveLength(0);
});

test("silence grows between two events, and turns a stream into a stalled one", () => {
  const state = reduce(NOTHING_YET, [opened("a"), progress("a", 1500)], clocks(100));
  const one = state.open.get("a");
  if (one === undefined) throw new Error("it is not open");
  expect(silenceOf(one, 150)).toBe(60);
  expect(paceOf(one, 150)).toBe("streaming");
  expect(paceOf(one, 100 + STALL_MS)).toBe("stalled");
});

test("before the first content an exchange waits, however long", () => {
  const one = reduce(NOTHING_YET, [opened("a")], clocks(0)).open.get("a");
  if (one === undefined) throw new Error("it is not open");
  expect(paceOf(one, 60_000)).toBe("waiting");
  expect(silenceOf(one, 500)).toBe(1500);
  expect(rateOf(one, 60_000)).toBeNull();
});

test("the rate counts the tokens after the first, over the time since then", () => {
  const one = reduce(NOTHING_YET, [opened("a"), progress("a", 1800)], clocks(0)).open.get("a");
  expect(one && rateOf(one, 0)).toBe(2); // 3 tokens in 1.5 s
});

test("what was unknown when it opened is taken from its progress, and kept", () => {
  const begun: LiveEvent = { type: "opened", data: { ...openedOf("a"), model: null, user_id: null } };
  const told: LiveEvent = { type: "progress", data: { ...progressOf("a", 5), model: "m", user_id: "u" } };
  const state = reduce(NOTHING_YET, [begun, told, progress("a", 9)], clocks(100));
  expect(state.open.get("a")).toMatchObject({ model: "m", user_id: "u", elapsedMs: 9 });
});
