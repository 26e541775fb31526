import { useMemo, useState, type KeyboardEvent } from "react";

import type { Heatmap } from "../api/types";
import { clock, counted, duration } from "../format";
import { navigate } from "../router";
import { gridOf, neighbour, type Cell, type Grid } from "./grid";
import "./heatmap.css";

const HEIGHT = 14;

interface Props {
  map: Heatmap;
  /** What else narrows the view, and so the records that a cell leads to. */
  filters: URLSearchParams;
}

/** Time to first token by time: the fuller a field, the more records; each leads to them. */
export function HeatmapChart({ map, filters }: Props) {
  const grid = useMemo(() => gridOf(map), [map]);
  const [at, setAt] = useState(0);
  if (grid === null) return null;
  const current = grid.cells[at] ?? grid.cells[0];

  const open = (cell: Cell) => {
    const query = new URLSearchParams(filters);
    for (const [name, value] of Object.entries(cell.filters)) query.set(name, value);
    navigate(`/?${query.toString()}`);
    scrollTo(0, 0);
  };
  const press = (event: KeyboardEvent<SVGElement>) => {
    if (current === undefined) return;
    if (event.key === "Enter") {
      open(current);
    } else if (event.key.startsWith("Arrow")) {
      event.preventDefault();
      const next = grid.cells.indexOf(neighbour(grid.cells, current, event.key));
      setAt(next);
      event.currentTarget.querySelectorAll<SVGElement>(".heat-cell")[next]?.focus();
    }
  };

  return (
    <figure className="panel chart heat" aria-label={`Time to first token by time. ${wordsOf(grid)}`}>
      <figcaption>
        <span className="chart-title">Time to first token, by time</span>
        <span className="legend heat-legend">
          few
          <svg width="60" height="10" aria-hidden="true">
            {[0.2, 0.4, 0.6, 0.8, 1].map((heat, number) => (
              <rect key={heat} className="heat-field" x={number * 12} width="11" height="10" rx="2" opacity={heat} />
            ))}
          </svg>
          many
        </span>
      </figcaption>
      <div className="heat-box">
        <ol className="heat-rows" aria-hidden="true">
          {[...grid.edges].reverse().map((edge) => (
            <li key={edge}>{duration(edge)}</li>
          ))}
        </ol>
        <svg
          className="heat-grid"
          width="100%"
          height={grid.rows * HEIGHT}
          viewBox={`0 0 ${String(grid.columns)} ${String(grid.rows)}`}
          preserveAspectRatio="none"
          role="group"
          aria-label="Fields; the arrow keys go from one to the next"
          onKeyDown={press}
        >
          {grid.cells.map((cell, number) => (
            <rect
              key={`${String(cell.column)}-${String(cell.row)}`}
              className="heat-cell heat-field"
              x={cell.column + 0.06}
              y={grid.rows - 1 - cell.row + 0.06}
              width={0.88}
              height={0.88}
              opacity={0.15 + 0.85 * cell.heat}
              role="link"
              tabIndex={cell === current ? 0 : -1}
              aria-label={nameOf(grid, cell)}
              onFocus={() => setAt(number)}
              onClick={() => open(cell)}
            >
              <title>{nameOf(grid, cell)}</title>
            </rect>
          ))}
        </svg>
        <p className="heat-times" aria-hidden="true">
          <span>{timeOf(grid, 0)}</span>
          <span>{timeOf(grid, grid.columns)}</span>
        </p>
      </div>
    </figure>
  );
}

function nameOf(grid: Grid, cell: Cell): string {
  const from = grid.edges[cell.row] ?? 0;
  const to = cell.filters["ttft_ms.lt"];
  const span = to === undefined ? `${duration(from)} and more` : `${duration(from)} to ${duration(Number(to))}`;
  return `${counted(cell.count, "record")}, ${span}, ${timeOf(grid, cell.column)}`;
}

function timeOf(grid: Grid, column: number): string {
  return clock(new Date(grid.begin + column * grid.step).toISOString());
}

function wordsOf(grid: Grid): string {
  const fullest = grid.cells.reduce((a, b) => (b.count > a.count ? b : a));
  return `Most: ${nameOf(grid, fullest)}`;
}
