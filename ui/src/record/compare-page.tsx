import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";

import { listRecords, readRecord } from "../api/client";
import type { Chunk, StreamRecord, Summary } from "../api/types";
import { cost, count, duration, fullTime, moment, rate } from "../format";
import { nameOf } from "../parts/name";
import { OutcomeBadge } from "../parts/outcome";
import { Problem } from "../parts/problem";
import { Said } from "../parts/said";
import { Link } from "../router";
import { endOf } from "../timeline/scale";
import { Timeline } from "../timeline/timeline";
import type { ViewProps } from "../views";
import "./compare.css";

/** Two records side by side, their timelines on one scale. */
export function ComparePage({ search }: ViewProps) {
  const query = new URLSearchParams(search);
  const a = useQuery(recordQuery(query.get("a") ?? ""));
  const b = useQuery(recordQuery(query.get("b") ?? ""));
  useEffect(() => {
    document.title = "Compare · Streamgauge";
  }, []);
  const error = a.error ?? b.error;
  return (
    <main className="page compare">
      <h1>Compare</h1>
      {error && <Problem error={error} onRetry={() => void a.refetch()} />}
      {a.data && b.data && <Both a={a.data} b={b.data} />}
      {a.data && query.get("b") === null && <Choose a={a.data} />}
      {query.get("a") === null && (
        <div className="notice">
          <p>Open a record and choose “Compare with …”.</p>
        </div>
      )}
    </main>
  );
}

function recordQuery(id: string) {
  return {
    queryKey: ["record", id],
    queryFn: ({ signal }: { signal: AbortSignal }) => readRecord(id, signal),
    enabled: id !== "",
  };
}

type Name = {
  [K in keyof Summary]-?: Summary[K] extends number | null ? K : never;
}[keyof Summary];

/** `isLess`: less of it is better; without it neither is. */
const MEASURES: readonly { name: Name; label: string; show: (n: number | null) => string; isLess?: boolean }[] = [
  { name: "ttft_ms", label: "Time to first token", show: duration, isLess: true },
  { name: "duration_ms", label: "Duration", show: duration, isLess: true },
  { name: "tokens_per_second", label: "Tokens per second", show: rate, isLess: false },
  { name: "itl_p50_ms", label: "Gap, p50", show: duration, isLess: true },
  { name: "itl_p99_ms", label: "Gap, p99", show: duration, isLess: true },
  { name: "max_gap_ms", label: "Longest gap", show: duration, isLess: true },
  { name: "input_tokens", label: "Input tokens", show: count },
  { name: "output_tokens", label: "Output tokens", show: count },
  { name: "cost_usd", label: "Cost", show: cost, isLess: true },
];

function Both({ a, b }: { a: StreamRecord; b: StreamRecord }) {
  const [left, right] = [chunksOf(a), chunksOf(b)];
  const wholeMs = Math.max(endOf(a, left), endOf(b, right));
  return (
    <>
      <div className="panel compare-panel">
        <table className="compare-table">
          <thead>
            <tr>
              <th scope="col">
                <span className="visually-hidden">Measure</span>
              </th>
              {[a, b].map((one, at) => (
                <th key={at} scope="col">
                  <Link href={`/records/${one.id}`}>{nameOf(one)}</Link>
                  <span className="muted">
                    {[one.provider, moment(one.started_at)].filter(Boolean).join(", ")}
                  </span>
                  <OutcomeBadge outcome={one.outcome} closedBy={one.closed_by} httpStatus={one.http_status} />
                </th>
              ))}
              <th scope="col">Difference</th>
            </tr>
          </thead>
          <tbody>
            {MEASURES.map(({ name, label, show, isLess }) => (
              <tr key={name}>
                <th scope="row">{label}</th>
                <td>{show(a[name])}</td>
                <td>{show(b[name])}</td>
                <td data-better={better(a[name], b[name], isLess)}>{change(a[name], b[name])}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Timeline record={a} chunks={left} leastMs={wholeMs} title={`First: ${nameOf(a)}`} />
      <Timeline record={b} chunks={right} leastMs={wholeMs} title={`Second: ${nameOf(b)}`} />
      <div className="compare-replies">
        {[a, b].map((one, at) => (
          <section key={at} className="panel said" aria-label={at === 0 ? "First reply" : "Second reply"}>
            <h2>{at === 0 ? "First reply" : "Second reply"}</h2>
            {one.response_text ? <Said>{one.response_text}</Said> : <p className="muted">No text.</p>}
          </section>
        ))}
      </div>
    </>
  );
}

function chunksOf(record: StreamRecord): readonly Chunk[] {
  return record.timeline?.chunks ?? [];
}

function change(a: number | null, b: number | null): string {
  if (a === null || b === null || a === 0) return "";
  const percent = Math.round((b / a - 1) * 100);
  return percent === 0 ? "same" : `${percent > 0 ? "+" : "−"}${Math.abs(percent)} %`;
}

// No two answers take the same time: what differs by less is neither better nor worse.
const ALIKE = 0.02;

function better(a: number | null, b: number | null, isLess: boolean | undefined): string | undefined {
  if (a === null || b === null || isLess === undefined || Math.abs(b - a) <= ALIKE * a) return undefined;
  return b < a === isLess ? "yes" : "no";
}

/** The second record: one of the same model, or any other of late. */
function Choose({ a }: { a: StreamRecord }) {
  const others = useQuery({
    queryKey: ["compare", a.id],
    queryFn: ({ signal }) => listRecords(new URLSearchParams(), null, signal),
  });
  const same = (one: Summary) => (one.model === a.model ? 0 : 1);
  const shown = (others.data?.records ?? [])
    .filter((one) => one.id !== a.id && one.outcome !== "open")
    .sort((x, y) => same(x) - same(y))
    .slice(0, 25);
  return (
    <section className="panel compare-choose">
      <h2>
        {nameOf(a)}, {moment(a.started_at)}: compare with
      </h2>
      <ul>
        {shown.map((one) => (
          <li key={one.id}>
            <Link href={`/compare?a=${a.id}&b=${one.id}`}>{nameOf(one)}</Link>
            <OutcomeBadge outcome={one.outcome} closedBy={one.closed_by} httpStatus={one.http_status} />
            <span className="muted">
              {[duration(one.duration_ms), `${count(one.output_tokens)} tokens`, one.user_id]
                .filter(Boolean)
                .join(", ")}
            </span>
            <time dateTime={one.started_at} title={fullTime(one.started_at)}>
              {moment(one.started_at)}
            </time>
          </li>
        ))}
      </ul>
    </section>
  );
}
