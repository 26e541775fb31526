import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";

import { ask } from "../api/client";
import type { Summary } from "../api/types";
import { clock, cost, count, counted, duration, fullTime } from "../format";
import { useNow } from "../live/use-live";
import { OutcomeBadge } from "../parts/outcome";
import { Problem } from "../parts/problem";
import { Link } from "../router";
import { treeOf, type Node } from "./tree";
import "./session.css";

const REFRESH_MS = 3_000;
// The API's largest page; a longer session shows its beginning.
const LIMIT = 1000;

/** One session: its tree of paths, and when everything happened in it, to scale. */
export function SessionPage({ id }: { id: string }) {
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ["session", id],
    queryFn: ({ signal }) => {
      const query = { session_id: id, sort: "started_at", limit: String(LIMIT) };
      return ask("/api/v1/records", { query, signal });
    },
    refetchInterval: REFRESH_MS,
  });
  useEffect(() => {
    document.title = `${id} · Sessions · Streamgauge`;
  }, [id]);
  const records = data?.records;
  const now = useNow(records?.some((record) => record.ended_at === null) ?? false);
  const rows = useMemo(() => treeOf(records ?? [], now), [records, now]);
  const name = records?.findLast((record) => record.session_name !== null)?.session_name;
  return (
    <main className="page session">
      <div className="session-head">
        <Link href="/sessions" className="muted">
          Sessions
        </Link>
        <h1>{name ?? id}</h1>
        {name != null && <p className="muted">{id}</p>}
        <Link
          className="button session-records"
          href={`/?${new URLSearchParams({ session_id: id }).toString()}`}
        >
          As a list
        </Link>
      </div>
      {error && <Problem error={error} onRetry={() => void refetch()} />}
      {isPending && <p className="muted">Loading…</p>}
      {records?.length === 0 && (
        <div className="notice">
          <p>There is no record of this session.</p>
        </div>
      )}
      {rows.length > 0 && <Totals rows={rows} isCut={data?.next_cursor != null} />}
      {rows.length > 0 && <Waterfall rows={rows} />}
    </main>
  );
}

function Totals({ rows, isCut }: { rows: readonly Node[]; isCut: boolean }) {
  const leaves = rows.filter((row) => row.record !== null);
  const { begin, end } = spanOf(rows);
  const costs = leaves.map((row) => row.cost).filter((one) => one !== null);
  const tokens = leaves.map((row) => row.record?.output_tokens ?? null).filter((n) => n !== null);
  return (
    <p className="session-totals">
      {counted(leaves.length, "request")}
      {isCut && " (the first of more)"} in {duration(end - begin)}, from{" "}
      <time title={fullTime(new Date(begin).toISOString())}>
        {clock(new Date(begin).toISOString())}
      </time>
      {tokens.length > 0 && `, ${count(sum(tokens))} tokens out`}
      {costs.length > 0 && `, ${cost(sum(costs))}`}
    </p>
  );
}

/** The tree beside its waterfall: pale while waiting, full while streaming. */
function Waterfall({ rows }: { rows: readonly Node[] }) {
  const { begin, end } = spanOf(rows);
  const whole = Math.max(1, end - begin);
  return (
    <div className="panel session-panel">
      <table className="session-tree">
        <caption className="visually-hidden">The session’s requests by path and time</caption>
        <thead>
          <tr>
            <th scope="col">Path</th>
            <th scope="col" className="session-axis">
              <span className="visually-hidden">When</span>
              <Axis whole={whole} />
            </th>
            <th scope="col" className="is-number">
              After
            </th>
            <th scope="col" className="is-number">
              Took
            </th>
            <th scope="col" className="is-number" data-min="small">
              Cost
            </th>
            <th scope="col" data-min="medium">
              Outcome
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.key} data-id={row.record?.id} data-path={row.record ? undefined : row.key}>
              <th scope="row">
                <span className="session-name" style={{ paddingInlineStart: `${String(row.depth * 18)}px` }}>
                  {row.record === null ? (
                    <b>{row.name}</b>
                  ) : (
                    <Link href={`/records/${row.record.id}`}>{row.name}</Link>
                  )}
                </span>
              </th>
              <td className="session-axis">
                <Span row={row} begin={begin} whole={whole} />
              </td>
              <td className="is-number">{duration(row.begin - begin)}</td>
              <td className="is-number">{duration(row.end - row.begin)}</td>
              <td className="is-number" data-min="small">
                {cost(row.cost)}
              </td>
              <td data-min="medium">
                {row.record && (
                  <OutcomeBadge
                    outcome={row.record.outcome}
                    closedBy={row.record.closed_by}
                    httpStatus={row.record.http_status}
                  />
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Span({ row, begin, whole }: { row: Node; begin: number; whole: number }) {
  const percent = (ms: number) => `${((100 * ms) / whole).toFixed(3)}%`;
  const from = row.begin - begin;
  const length = Math.max(row.end - row.begin, whole / 400);
  const wait = row.record === null ? 0 : Math.min(waitOf(row.record, length), length);
  return (
    <svg className="session-span" width="100%" height="14" aria-hidden="true">
      {row.record === null ? (
        <rect className="session-path" x={percent(from)} width={percent(length)} y="6" height="2" />
      ) : (
        <>
          <rect className="shape-wait" x={percent(from)} width={percent(length)} y="3" height="8" rx="1.5" />
          <rect
            className={row.record.stalls ? "shape-stalled" : "shape-stream"}
            x={percent(from + wait)}
            width={percent(length - wait)}
            y="3"
            height="8"
            rx="1.5"
          />
        </>
      )}
    </svg>
  );
}

function waitOf(record: Summary, length: number): number {
  return record.ttft_ms ?? record.headers_ms ?? length;
}

function Axis({ whole }: { whole: number }) {
  return (
    <span className="session-ticks" aria-hidden="true">
      {[0, 0.5, 1].map((share) => (
        <span key={share}>{duration(share * whole)}</span>
      ))}
    </span>
  );
}

function spanOf(rows: readonly Node[]): { begin: number; end: number } {
  return {
    begin: Math.min(...rows.map((row) => row.begin)),
    end: Math.max(...rows.map((row) => row.end)),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
