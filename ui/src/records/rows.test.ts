import { expect, test } from "vitest";

import type { Summary } from "../api/types";
import { NOTHING_YET, reduce, type LiveEvent } from "../live/live";
import { summary } from "../testing";
import { readFilters } from "./filters";
import { mergeRows } from "./rows";

const at = (second: number, changes: Partial<Summary> = {}): Summary =>
  summary({ id: `r${second}`, started_at: `2026-11-23T12:00:0${second}.000000Z`, ...changes });

function rowsOf(
  stored: Summary[],
  events: LiveEvent[],
  { search = "", hasOlder = false, sort = null as string | null } = {},
) {
  const live = reduce(NOTHING_YET, events, { now: 0, wall: 0 });
  const rows = mergeRows({ stored, hasOlder, live, filters: readFilters(search), sort });
  return {
    all: rows.all.map((one) => one.id),
    open: rows.open.map((one) => one.id),
    records: rows.records.map((one) => one.id),
    rows,
  };
}

const closed = (record: Summary): LiveEvent => ({ type: "closed", data: record });
const opened = (record: Summary): LiveEvent => ({ type: "opened", data: record });

test("all are newest first, whether they run or have ended", () => {
  const events = [opened(at(7)), opened(at(8)), closed(at(4)), opened(at(2))];
  const { all, open, records } = rowsOf([at(9), at(5), at(3)], events);
  expect(all).toEqual(["r9", "r8", "r7", "r5", "r4", "r3", "r2"]);
  expect(open).toEqual(["r8", "r7", "r2"]);
  expect(records).toEqual(["r9", "r5", "r4", "r3"]);
  expect(rowsOf([at(9), at(5), at(3)], events, { hasOlder: true }).all.at(-1)).toBe("r3");
});

test("a record that is stored and live stands once", () => {
  expect(rowsOf([at(5)], [closed(at(5))]).records).toEqual(["r5"]);
});

test("an exchange that the store knows as open stands among the open ones only", () => {
  const { open, records } = rowsOf([at(5, { outcome: "open" })], [opened(at(5))]);
  expect(open).toEqual(["r5"]);
  expect(records).toEqual([]);
});

test("what we saw end has ended, though the store still says open", () => {
  const { rows } = rowsOf([at(5, { outcome: "open" })], [closed(at(5, { outcome: "stalled" }))]);
  expect(rows.records.map((record) => record.outcome)).toEqual(["stalled"]);
});

test("what ended leaves the list of open ones", () => {
  const stored = [at(5, { outcome: "open" })];
  expect(rowsOf(stored, [closed(at(5))], { search: "?outcome=open" }).records).toEqual([]);
});

test("a live record below the last page waits for its page", () => {
  expect(rowsOf([at(5)], [closed(at(2))], { hasOlder: true }).records).toEqual(["r5"]);
  expect(rowsOf([at(5)], [closed(at(2))]).records).toEqual(["r5", "r2"]);
});

test("filters hold for live records, and what is unsure is left to the store", () => {
  const events = [opened(at(6)), closed(at(4, { model: "other" })), closed(at(3))];
  expect(rowsOf([], events, { search: "?model=other" }).records).toEqual(["r4"]);
  expect(rowsOf([], events, { search: "?outcome=open" })).toMatchObject({ open: ["r6"], records: [] });
  expect(rowsOf([], events, { search: "?q=x" })).toMatchObject({ open: [], records: [] });
});

test("in another order a live record takes its own place, and what runs has none", () => {
  const stored = [at(1, { ttft_ms: 900 }), at(2, { ttft_ms: 300 }), at(3)];
  const events = [opened(at(9)), closed(at(5, { ttft_ms: 500 })), closed(at(6)), closed(at(4, { ttft_ms: 300 }))];
  expect(rowsOf(stored, events, { sort: "-ttft_ms" })).toMatchObject({
    open: [],
    rows: { unplaced: 1 },
    records: ["r1", "r5", "r4", "r2", "r6", "r3"],
  });
  expect(rowsOf(stored.slice(0, 2), events, { sort: "-ttft_ms", hasOlder: true }).records).toEqual([
    "r1",
    "r5",
    "r4",
    "r2",
  ]);
});

test("what ended goes to where its values belong", () => {
  const stored = [at(1, { ttft_ms: 300 }), at(2, { outcome: "open" })];
  const { records } = rowsOf(stored, [closed(at(2, { ttft_ms: 700 }))], { sort: "-ttft_ms" });
  expect(records).toEqual(["r2", "r1"]);
});
