import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useState, type ReactNode } from "react";

import { ask } from "../api/client";
import type { Bucket } from "../api/types";
import { cost, count, duration, micros, rate, span, words } from "../format";
import { Chart, type Line } from "../parts/chart";
import { FirstRun } from "../parts/connect";
import { Figure } from "../parts/figure";
import { ERRORS } from "../parts/outcome";
import { Problem } from "../parts/problem";
import { readRange, since, type TimeRange } from "../parts/range";
import { RangeTabs } from "../parts/range-tabs";
import { recordsOf } from "../rollups/page";
import { Link, navigate } from "../router";
import type { ViewProps } from "../views";
import { HeatmapChart } from "./heatmap";
import { isGrowing, seriesOf } from "./series";
import { unpriced } from "./unpriced";
import "./overview.css";

const REFRESH_MS = 15_000;

/** How it goes: traffic, errors, latencies, cost; each leads to its records. */
export function OverviewPage({ search }: ViewProps) {
  const filters = useMemo(() => readRange(search), [search]);
  const totals = useStats({}, filters.text);
  const series = useStats({ bucket: "auto" }, filters.text);
  const heat = useQuery({
    queryKey: ["heatmap", filters.text],
    queryFn: ({ signal }) => ask("/api/v1/heatmap", { query: since(filters.text), signal }),
    placeholderData: keepPreviousData,
    refetchInterval: REFRESH_MS,
  });
  useEffect(() => {
    document.title = "Overview · Streamgauge";
  }, []);

  const buckets = series.data?.buckets;
  const stepS = series.data?.bucket_s;
  const [total] = totals.data?.buckets ?? [];
  const error = totals.error ?? series.error;
  const select = (from: number, to: number) => {
    const query = new URLSearchParams({
      "started_at.gte": new Date(from * 1000).toISOString(),
      "started_at.lte": new Date(to * 1000).toISOString(),
    });
    navigate(`/overview?${query.toString()}`);
  };

  const isUnused = totals.data && total === undefined && filters.text === "";
  return (
    <main className="page overview">
      <div className="overview-head">
        <h1>Overview</h1>
        {!isUnused && <RangeTabs path="/overview" range={filters} />}
        {total && stepS != null && (
          <p className="overview-step">Lines in steps of {span(stepS)}, numbers over the whole time</p>
        )}
      </div>
      {error && <Problem error={error} onRetry={() => void totals.refetch()} />}
      {isUnused && <FirstRun isInside />}
      {totals.data && total === undefined && !isUnused && (
        <div className="notice">
          <p>Nothing in this time.</p>
        </div>
      )}
      {total && <Figures total={total} range={filters} />}
      {total && buckets && buckets.length > 0 && (
        <Charts
          total={total}
          buckets={buckets}
          bucketS={stepS ?? null}
          askedAtS={series.dataUpdatedAt / 1000}
          onSelect={select}
        />
      )}
      {heat.data && <HeatmapChart map={heat.data} filters={filters.query} />}
      {total && (
        <div className="overview-tables">
          <div className="overview-pair">
            <Breakdown title="By outcome" column="outcome" filters={filters} whole={total.count} />
            <Breakdown title="Tokens counted by" column="usage_source" filters={filters} whole={total.count} />
          </div>
          <div className="overview-pair">
            <Breakdown title="By model" column="model" filters={filters} whole={total.count} />
            <ByProperty filters={filters} whole={total.count} />
          </div>
          <Breakdown title="By user" column="user_id" filters={filters} whole={total.count} />
        </div>
      )}
    </main>
  );
}

function useStats(options: Record<string, string>, range: string) {
  return useQuery({
    queryKey: ["stats", options, range],
    queryFn: ({ signal }) => {
      const query = since(range);
      for (const [name, value] of Object.entries(options)) query.set(name, value);
      return ask("/api/v1/stats", { query, signal });
    },
    placeholderData: keepPreviousData,
    refetchInterval: REFRESH_MS,
  });
}

/** The numbers over the whole time; each leads to its records. */
function Figures({ total, range }: { total: Bucket; range: TimeRange }) {
  const { data } = useStats({ group_by: "outcome" }, range.text);
  const share = total.count > 0 ? (100 * total.errors) / total.count : 0;
  const to = (filters: Parameters<typeof recordsOf>[1]) => recordsOf(range, filters);
  return (
    <dl className="headline">
      <Figure label="Requests" value={count(total.count)} href={to({})} />
      <Figure
        label="Errors"
        value={`${rate(share)} %`}
        note={count(total.errors)}
        isBad={share >= 5}
        href={to(ERRORS)}
      />
      <Figure
        label="TTFT p50"
        value={duration(total.ttft_p50_ms)}
        note={`p95 ${duration(total.ttft_p95_ms)}`}
        href={to({ "ttft_ms.exists": "true" })}
      />
      <Figure
        label="Gap p50"
        value={duration(total.itl_p50_ms)}
        note={`p99 ${duration(total.itl_p99_ms)}`}
        href={to({ "itl_p50_ms.exists": "true" })}
      />
      <Figure
        label="Tokens out"
        value={count(total.output_tokens)}
        note={`${count(total.input_tokens)} in`}
        href={to({ sort: "-output_tokens" })}
      />
      <Figure
        label="Cost"
        value={cost(total.cost_usd)}
        note={data ? unpriced(data.buckets) : ""}
        href={to({ sort: "-cost_usd" })}
      />
      <Figure
        label="Overhead p50"
        value={micros(total.overhead_p50_us)}
        note="per chunk"
        href={to({ "overhead_p50_us.exists": "true" })}
      />
      <div className="figure overview-links">
        <dt>Look at</dt>
        <dd>
          <Link href={to({ sort: "-ttft_ms" })}>the slowest</Link>
          <Link href={to({ "max_gap_ms.gt": "2000" })}>the stalled</Link>
        </dd>
      </div>
    </dl>
  );
}

type Measure = { [K in keyof Bucket]: Bucket[K] extends number | null ? K : never }[keyof Bucket];

interface ChartOf {
  title: string;
  format: (value: number | null) => string;
  lines: readonly { label: string; color: string; name: Measure; isFilled?: boolean }[];
}

const CHARTS: readonly ChartOf[] = [
  {
    title: "Traffic",
    format: count,
    lines: [
      { label: "requests", color: "--stream", name: "count", isFilled: true },
      { label: "errors", color: "--gap", name: "errors", isFilled: true },
    ],
  },
  {
    title: "Time to first token",
    format: duration,
    lines: [
      { label: "p50", color: "--stream", name: "ttft_p50_ms" },
      { label: "p95", color: "--reason", name: "ttft_p95_ms" },
      { label: "p99", color: "--gap", name: "ttft_p99_ms" },
    ],
  },
  {
    title: "Gaps between tokens",
    format: duration,
    lines: [
      { label: "p50", color: "--stream", name: "itl_p50_ms" },
      { label: "p95", color: "--reason", name: "itl_p95_ms" },
      { label: "p99", color: "--gap", name: "itl_p99_ms" },
    ],
  },
  {
    title: "Tokens per second, p50",
    format: rate,
    lines: [{ label: "tok/s", color: "--stream", name: "tokens_per_second_p50" }],
  },
  {
    title: "Cost",
    format: cost,
    lines: [{ label: "USD", color: "--reason", name: "cost_usd", isFilled: true }],
  },
  {
    title: "Overhead of the gateway, p50",
    format: micros,
    lines: [{ label: "per chunk", color: "--stream", name: "overhead_p50_us" }],
  },
];

interface ChartsProps {
  total: Bucket;
  buckets: readonly Bucket[];
  bucketS: number | null;
  /** When the buckets were asked for, in seconds since 1970: the last one may not be over yet. */
  askedAtS: number;
  onSelect: (from: number, to: number) => void;
}

function Charts({ total, buckets, bucketS, askedAtS, onSelect }: ChartsProps) {
  const drawn = useMemo(() => {
    const { times, values } = seriesOf(buckets, bucketS);
    return CHARTS.map(({ title, format, lines }) => ({
      title,
      format,
      times,
      lines: lines.map(({ name, ...rest }): Line => {
        return { ...rest, values: values(name), total: total[name] };
      }),
      isGrowing: isGrowing({ times, bucketS, askedAtS }),
    }));
  }, [total, buckets, bucketS, askedAtS]);
  return (
    <div className="overview-charts">
      {drawn.map((chart) => (
        <Chart key={chart.title} {...chart} onSelect={onSelect} />
      ))}
    </div>
  );
}

interface SharesProps {
  filters: { text: string; query: URLSearchParams };
  whole: number;
}

interface BreakdownProps extends SharesProps {
  title: ReactNode;
  column: string;
}

const ROWS = 8;

/** Shares by the values of one property; which one, is chosen here. Nothing where there is none. */
function ByProperty(shares: SharesProps) {
  const [chosen, setChosen] = useState<string | null>(null);
  const { data } = useQuery({
    queryKey: ["properties"],
    queryFn: ({ signal }) => ask("/api/v1/properties", { signal }),
  });
  const names = data?.properties.map(({ name }) => name) ?? [];
  const name = chosen ?? names[0];
  if (name === undefined) return null;
  const title = (
    <label className="breakdown-property">
      By property
      <select className="field is-small" value={name} onChange={(event) => setChosen(event.target.value)}>
        {names.map((one) => (
          <option key={one}>{one}</option>
        ))}
      </select>
    </label>
  );
  return <Breakdown title={title} column={`property.${name}`} {...shares} />;
}

/** Shares by one column; each row leads to its records. */
function Breakdown({ title, column, filters, whole }: BreakdownProps) {
  const { data } = useStats({ group_by: column, groups: String(ROWS) }, filters.text);
  const rows = data?.buckets ?? [];
  return (
    <section className="panel breakdown">
      <table>
        <caption>{title}</caption>
        <colgroup>
          <col />
          <col className="breakdown-count" />
          <col className="breakdown-cost" />
        </colgroup>
        <thead className="visually-hidden">
          <tr>
            <th scope="col">Value</th>
            <th scope="col">Records</th>
            <th scope="col">Cost</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => {
            const query = new URLSearchParams(filters.query);
            query.set(column, row.group ?? "");
            return (
              <tr key={row.group ?? ""}>
                <th scope="row">
                  <Link href={`/?${query.toString()}`}>{row.group ? words(row.group) : "none"}</Link>
                  <svg className="share" viewBox="0 0 100 3" preserveAspectRatio="none" aria-hidden="true">
                    <rect width={(100 * row.count) / Math.max(1, whole)} height="3" />
                  </svg>
                </th>
                <td>{count(row.count)}</td>
                <td>{cost(row.cost_usd)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}
