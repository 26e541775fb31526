import { expect, test } from "vitest";

import type { Summary } from "../api/types";
import { treeOf } from "./tree";

const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1) + 1000 * seconds).toISOString();
const NOW = Date.parse(at(100));

function record(id: string, path: string | null, begin: number, end: number | null, cost: number | null): Summary {
  return {
    id,
    model: "m",
    session_path: path,
    started_at: at(begin),
    ended_at: end === null ? null : at(end),
    cost_usd: cost,
  } as Summary;
}

test("records stand under their paths, in the order in which things began", () => {
  const rows = treeOf(
    [record("c", "/plan/search", 5, 9, 0.2), record("a", "/plan", 0, 2, 0.1), record("b", "/answer", 10, 11, null)],
    NOW,
  );
  expect(rows.map(({ key, depth }) => [key, depth])).toEqual([
    ["/plan", 0],
    ["a", 1],
    ["/plan/search", 1],
    ["c", 2],
    ["/answer", 0],
    ["b", 1],
  ]);
});

test("a path spans what is below it, and adds it up", () => {
  const [plan] = treeOf([record("a", "/plan", 0, 2, 0.1), record("c", "plan/search/", 5, 9, 0.2)], NOW);
  expect(plan).toMatchObject({ begin: Date.parse(at(0)), end: Date.parse(at(9)), records: 2 });
  expect(plan?.cost).toBeCloseTo(0.3);
});

test("an unknown cost is none, and a record without a path stands at the top", () => {
  const rows = treeOf([record("a", null, 0, 2, null)], NOW);
  expect(rows).toMatchObject([{ key: "a", depth: 0, cost: null }]);
});

test("what still runs lasts until now", () => {
  const [open] = treeOf([record("a", "", 90, null, null)], NOW);
  expect(open?.end).toBe(NOW);
});

test("a session without records has no rows", () => {
  expect(treeOf([], NOW)).toEqual([]);
});
