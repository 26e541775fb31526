import { expect, test } from "vitest";

import { summary } from "../testing";
import { FRESH_MS, NOTHING_YET, reduce, type LiveEvent } from "./live";
import { endedOf, rowsOf, type Order } from "./order";

function opened(id: string, second: number, user_id: string | null = null): LiveEvent {
  const { provider, model, path, streaming, session_id } = summary();
  const started_at = `2026-11-23T12:00:0${second}.000Z`;
  return {
    type: "opened",
    data: { id, started_at, provider, model, path, streaming, user_id, session_id },
  };
}

function ids(events: LiveEvent[], order: Order, { find = "", now = 0 } = {}): string[] {
  const wall = Date.parse("2026-11-23T12:00:10.000Z");
  const live = reduce(NOTHING_YET, events, { now: 0, wall });
  return rowsOf(live, { now, order, find }).map((row) => row.id);
}

const THREE = [opened("a", 1, "ada"), opened("b", 3), opened("c", 2)];

test("rows stand in the order that was asked for", () => {
  expect(ids(THREE, "newest")).toEqual(["b", "c", "a"]);
  expect(ids(THREE, "oldest")).toEqual(["a", "c", "b"]);
  expect(ids(THREE, "quietest")).toEqual(["a", "c", "b"]);
});

test("what is looked for stays", () => {
  expect(ids(THREE, "newest", { find: "ADA" })).toEqual(["a"]);
  expect(ids(THREE, "newest", { find: "nobody" })).toEqual([]);
});

test("a closed one keeps its place while it fades, then goes", () => {
  const started_at = "2026-11-23T12:00:03.000Z";
  const closed: LiveEvent = { type: "closed", data: summary({ id: "b", started_at }) };
  expect(ids([...THREE, closed], "newest", { now: FRESH_MS - 1 })).toEqual(["b", "c", "a"]);
  expect(ids([...THREE, closed], "newest", { now: FRESH_MS })).toEqual(["c", "a"]);
});

test("what has ended stands in one place: where it fades, then below", () => {
  const live = reduce(NOTHING_YET, [...THREE, { type: "closed", data: summary({ id: "b" }) }], { now: 0, wall: 0 });
  const below = (now: number) => endedOf(live, rowsOf(live, { now, order: "newest", find: "" })).map(({ id }) => id);
  expect(below(FRESH_MS - 1)).toEqual([]);
  expect(below(FRESH_MS)).toEqual(["b"]);
});
