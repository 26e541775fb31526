/** The columns that sums of records share, whatever they are sums by. */
import type { Bucket } from "../api/types";
import { clock, cost, count, duration, fullTime, rate } from "../format";
import { Link } from "../router";
import type { Column } from "./table";

type Measured = Omit<Bucket, "time" | "group">;

export function requests<T extends Measured>(hrefOf: (row: T) => string): Column<T> {
  return {
    name: "Requests",
    sort: "count",
    isNumber: true,
    cell: (row) => <Link href={hrefOf(row)}>{count(row.count)}</Link>,
    bar: (row) => row.count,
  };
}

export function errors<T extends Measured>(hrefOf: (row: T) => string): Column<T> {
  return {
    name: "Errors",
    sort: "errors",
    isNumber: true,
    min: "small",
    cell: (row) =>
      row.errors === 0 ? (
        "0"
      ) : (
        <Link className="rollup-bad" href={hrefOf(row)}>
          {count(row.errors)} <span aria-hidden="true">·</span> {rate((100 * row.errors) / row.count)} %
        </Link>
      ),
  };
}

export const ttft: Column<Measured> = {
  name: "TTFT p50",
  hint: "time to first token",
  sort: "ttft_p50_ms",
  isNumber: true,
  cell: (row) => duration(row.ttft_p50_ms),
  bar: (row) => row.ttft_p50_ms,
};

export const ttft95: Column<Measured> = {
  name: "TTFT p95",
  sort: "ttft_p95_ms",
  isNumber: true,
  min: "wide",
  cell: (row) => duration(row.ttft_p95_ms),
  bar: (row) => row.ttft_p95_ms,
};

export const itl: Column<Measured> = {
  name: "Gap p50",
  hint: "time between tokens",
  sort: "itl_p50_ms",
  isNumber: true,
  min: "medium",
  cell: (row) => duration(row.itl_p50_ms),
  bar: (row) => row.itl_p50_ms,
};

export const tokensIn: Column<Measured> = {
  name: "In",
  hint: "input tokens",
  sort: "input_tokens",
  isNumber: true,
  min: "wide",
  cell: (row) => count(row.input_tokens),
};

export const tokensOut: Column<Measured> = {
  name: "Out",
  hint: "output tokens",
  sort: "output_tokens",
  isNumber: true,
  min: "medium",
  cell: (row) => count(row.output_tokens),
};

export const spent: Column<Measured> = {
  name: "Cost",
  sort: "cost_usd",
  isNumber: true,
  cell: (row) => cost(row.cost_usd),
};

export const lastSeen: Column<Measured & { last_at: string }> = {
  name: "Last",
  sort: "last_at",
  isNumber: true,
  min: "small",
  cell: (row) => <time title={fullTime(row.last_at)}>{clock(row.last_at)}</time>,
};
