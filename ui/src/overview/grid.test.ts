import { expect, test } from "vitest";

import { gridOf, neighbour } from "./grid";

const T = "2026-01-01T00:00:00Z";
const LATER = "2026-01-01T00:02:00Z";
const MAP = {
  bucket_s: 60,
  edges_ms: [0, 100, 200, 500, 1000],
  cells: [
    { time: T, from_ms: 100, to_ms: 200, count: 16 },
    { time: T, from_ms: 500, to_ms: 1000, count: 1 },
    { time: LATER, from_ms: 200, to_ms: 500, count: 4 },
  ],
};

test("columns are time, rows the spans that occur, and heat is by the root", () => {
  expect(gridOf(MAP)).toMatchObject({
    columns: 3,
    rows: 3,
    edges: [100, 200, 500],
    cells: [
      { column: 0, row: 0, heat: 1 },
      { column: 0, row: 2, heat: 0.25 },
      { column: 2, row: 1, heat: 0.5 },
    ],
  });
});

test("a cell knows the filters of its records", () => {
  expect(gridOf(MAP)?.cells[2]?.filters).toEqual({
    "started_at.gte": "2026-01-01T00:02:00.000Z",
    "started_at.lt": "2026-01-01T00:03:00.000Z",
    "ttft_ms.gte": "200",
    "ttft_ms.lt": "500",
  });
});

test("the last row has no upper bound", () => {
  const map = { ...MAP, cells: [{ time: T, from_ms: 1000, to_ms: null, count: 1 }] };
  expect(gridOf(map)?.cells[0]?.filters).not.toHaveProperty("ttft_ms.lt");
});

test("arrow keys go to the nearest cell in their direction, or nowhere", () => {
  const cells = gridOf(MAP)?.cells ?? [];
  const [quick, slow, later] = cells;
  if (!quick || !slow || !later) throw new Error("three cells");
  expect(neighbour(cells, quick, "ArrowUp")).toBe(slow);
  expect(neighbour(cells, quick, "ArrowRight")).toBe(later);
  expect(neighbour(cells, later, "ArrowLeft")).not.toBe(later);
  expect(neighbour(cells, quick, "ArrowDown")).toBe(quick);
  expect(neighbour(cells, quick, "Enter")).toBe(quick);
});

test("without cells there is no grid", () => {
  expect(gridOf({ ...MAP, cells: [] })).toBeNull();
});
