/** The heat map as a grid: columns are time buckets, rows are spans of TTFT, the quickest below. */
import type { Heatmap } from "../api/types";

export interface Cell {
  column: number;
  row: number;
  count: number;
  /** 0 to 1, by the root of its share of the fullest: few still show beside many. */
  heat: number;
  /** The records behind it. */
  filters: Record<string, string>;
}

export interface Grid {
  columns: number;
  rows: number;
  /** Ms at which each row begins, the quickest first. */
  edges: readonly number[];
  /** When the first column begins, in ms, and how long each is. */
  begin: number;
  step: number;
  cells: readonly Cell[];
}

// Beyond this an empty stretch is left out of no picture: the columns only get narrower.
const MOST_COLUMNS = 400;

export function gridOf(map: Heatmap): Grid | null {
  const times = map.cells.map((cell) => Date.parse(cell.time));
  if (times.length === 0) return null;
  const begin = Math.min(...times);
  const step = 1000 * map.bucket_s;
  const columns = Math.min(MOST_COLUMNS, Math.round((Math.max(...times) - begin) / step) + 1);
  const rows = map.cells.map((cell) => map.edges_ms.indexOf(cell.from_ms));
  const lowest = Math.min(...rows);
  const fullest = Math.max(...map.cells.map((cell) => cell.count));
  const cells = map.cells.map((cell, number): Cell => {
    const time = times[number] ?? begin;
    return {
      column: Math.round((time - begin) / step),
      row: (rows[number] ?? 0) - lowest,
      count: cell.count,
      heat: Math.sqrt(cell.count / fullest),
      filters: filtersOf(time, time + step, cell.from_ms, cell.to_ms),
    };
  });
  return {
    columns,
    rows: Math.max(...rows) - lowest + 1,
    edges: map.edges_ms.slice(lowest, Math.max(...rows) + 1),
    begin,
    step,
    cells: cells.filter(({ column }) => column < columns),
  };
}

function filtersOf(
  begin: number,
  end: number,
  fromMs: number,
  toMs: number | null,
): Record<string, string> {
  return {
    "started_at.gte": new Date(begin).toISOString(),
    "started_at.lt": new Date(end).toISOString(),
    "ttft_ms.gte": String(fromMs),
    ...(toMs === null ? {} : { "ttft_ms.lt": String(toMs) }),
  };
}

/** The cell that an arrow key leads to: the nearest in that direction. */
export function neighbour(cells: readonly Cell[], from: Cell, key: string): Cell {
  const direction = DIRECTIONS[key];
  if (direction === undefined) return from;
  const [right, up] = direction;
  const ahead = cells
    .map((cell) => ({ cell, x: cell.column - from.column, y: cell.row - from.row }))
    .map(({ cell, x, y }) => ({ cell, along: x * right + y * up, aside: Math.abs(x * up) + Math.abs(y * right) }))
    .filter(({ along }) => along > 0)
    .sort((a, b) => a.along + 2 * a.aside - (b.along + 2 * b.aside));
  return ahead[0]?.cell ?? from;
}

const DIRECTIONS: Record<string, readonly [right: number, up: number]> = {
  ArrowRight: [1, 0],
  ArrowLeft: [-1, 0],
  ArrowUp: [0, 1],
  ArrowDown: [0, -1],
};
