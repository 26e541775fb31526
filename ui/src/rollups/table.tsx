import type { ReactNode } from "react";

import { navigate } from "../router";
import "./table.css";

export interface Column<T> {
  name: string;
  hint?: string;
  /** The API's name of the order; without one the column cannot be ordered by. */
  sort?: string;
  isNumber?: boolean;
  /** The least room in which it is shown. */
  min?: "small" | "medium" | "wide";
  cell: (row: T) => ReactNode;
  /** What a bar under the number is drawn by, to the scale of the largest. */
  bar?: (row: T) => number | null;
}

interface Props<T> {
  caption: string;
  columns: readonly Column<T>[];
  rows: readonly T[];
  keyOf: (row: T) => string;
  /** The order of the moment: a column's `sort`, with `-` in front for descending. */
  sort: string;
  /** The address with another order. */
  addressOf: (sort: string) => string;
}

/** Rows that are sums of records, side by side, in the order of any column. */
export function RollupTable<T>({ caption, columns, rows, keyOf, sort, addressOf }: Props<T>) {
  const largest = columns.map(({ bar }) =>
    bar === undefined ? 0 : Math.max(0, ...rows.map((row) => bar(row) ?? 0)),
  );
  return (
    <div className="panel rollup-panel">
      <table className="rollup">
        <caption className="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th
                key={column.name}
                scope="col"
                title={column.hint}
                className={column.isNumber ? "is-number" : undefined}
                data-min={column.min}
                aria-sort={orderOf(column.sort, sort)}
              >
                {column.sort === undefined ? (
                  column.name
                ) : (
                  <button
                    type="button"
                    className="rollup-sort"
                    onClick={() => navigate(addressOf(nextSort(column.sort ?? "", sort)))}
                  >
                    {column.name}
                    <span aria-hidden="true">{ARROWS[orderOf(column.sort, sort) ?? "none"]}</span>
                  </button>
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)} data-id={keyOf(row)}>
              {columns.map((column, number) => (
                <td
                  key={column.name}
                  className={column.isNumber ? "is-number" : undefined}
                  data-min={column.min}
                >
                  {column.cell(row)}
                  {column.bar && <Bar share={(column.bar(row) ?? 0) / (largest[number] || 1)} />}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const ARROWS = { ascending: " ↑", descending: " ↓", none: "" };

function orderOf(column: string | undefined, sort: string): "ascending" | "descending" | undefined {
  if (column === undefined) return undefined;
  if (sort === column) return "ascending";
  return sort === `-${column}` ? "descending" : undefined;
}

/** Largest first, then smallest first. */
function nextSort(column: string, sort: string): string {
  return sort === `-${column}` ? column : `-${column}`;
}

function Bar({ share }: { share: number }) {
  return (
    <svg className="rollup-bar" viewBox="0 0 100 3" preserveAspectRatio="none" aria-hidden="true">
      <rect width={100 * share} height="3" />
    </svg>
  );
}
