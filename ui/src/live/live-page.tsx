import { useQuery } from "@tanstack/react-query";
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { memo, useEffect, useLayoutEffect, useRef, useState } from "react";

import { ask } from "../api/client";
import type { Summary } from "../api/types";
import { clock, cost, count, counted, duration, fullTime, rate } from "../format";
import { FirstRun } from "../parts/connect";
import { OutcomeBadge } from "../parts/outcome";
import { nameOf } from "../parts/name";
import { isOwn } from "../parts/own";
import { Stop } from "../parts/stop";
import { Link, navigate } from "../router";
import type { ViewProps } from "../views";
import { ageOf, paceOf, rateOf, silenceOf, type LiveState, type OpenExchange } from "./live";
import { endedOf, ORDERS, rowsOf, type Order, type Row } from "./order";
import { Sparkline } from "./sparkline";
import { useLive, useNow } from "./use-live";
import "./live.css";

const ROW_HEIGHT = 76;
const LAST_SHOWN = 8;

/** Every exchange as it runs. */
export function LivePage({ search }: ViewProps) {
  const live = useLive();
  const { order, find } = readState(search);
  const now = useNow(live.open.size > 0 || live.fresh.size > 0, 200);
  const rows = rowsOf(live, { now, order, find });
  const list = useRef<HTMLElement>(null);
  const ended = endedOf(live, rows).slice(0, LAST_SHOWN);

  useEffect(() => {
    document.title = "Live · Streamgauge";
  }, []);
  useRowKeys(list);

  const change = (name: string, value: string) => {
    const query = new URLSearchParams(search);
    if (value === "") query.delete(name);
    else query.set(name, value);
    const text = query.toString();
    navigate(text ? `/live?${text}` : "/live", { replace: true });
  };

  return (
    <main className="page live" ref={list}>
      <div className="live-head">
        <h1>Live</h1>
        <Totals live={live} now={now} />
        <input
          type="search"
          id="search"
          className="field live-find"
          placeholder="Model, user, session"
          aria-label="Find by model, user or session"
          value={find}
          onChange={(event) => change("find", event.target.value)}
        />
        <select
          className="field"
          aria-label="Order"
          value={order}
          onChange={(event) => {
            change("order", event.target.value === "newest" ? "" : event.target.value);
          }}
        >
          {Object.entries(ORDERS).map(([value, words]) => (
            <option key={value} value={value}>
              {words}
            </option>
          ))}
        </select>
      </div>
      {rows.length > 0 ? (
        <Streams rows={rows} now={now} />
      ) : (
        <Quiet isSearch={find !== ""} live={live} />
      )}
      {ended.length > 0 && <JustEnded records={ended} />}
    </main>
  );
}

function readState(search: string): { order: Order; find: string } {
  const query = new URLSearchParams(search);
  const order = query.get("order") ?? "";
  return { order: isOwn(ORDERS, order) ? order : "newest", find: query.get("find") ?? "" };
}

function Totals({ live, now }: { live: LiveState; now: number }) {
  const open = [...live.open.values()];
  const stalled = open.filter((one) => paceOf(one, now) === "stalled").length;
  const waiting = open.filter((one) => paceOf(one, now) === "waiting").length;
  const flowing = open.reduce((sum, one) => {
    return paceOf(one, now) === "streaming" ? sum + (rateOf(one, now) ?? 0) : sum;
  }, 0);
  return (
    <ul className="live-totals">
      <li>
        <b>{count(open.length)}</b> open
      </li>
      <li>
        <b>{rate(flowing)}</b> tokens/s
      </li>
      <li>
        <b>{count(waiting)}</b> waiting
      </li>
      <li data-bad={stalled > 0 || undefined}>
        <b>{count(stalled)}</b> stalled
      </li>
    </ul>
  );
}

/** The rows that can be seen, out of however many there are. */
function Streams({ rows, now }: { rows: readonly Row[]; now: number }) {
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  useLayoutEffect(() => setTop(box.current?.offsetTop ?? 0), []);
  const shown = useWindowVirtualizer({
    count: rows.length,
    estimateSize: () => ROW_HEIGHT,
    getItemKey: (index) => rows[index]?.id ?? index,
    overscan: 6,
    scrollMargin: top,
  });
  return (
    <div ref={box} className="panel streams" style={{ height: shown.getTotalSize() }} role="list">
      {shown.getVirtualItems().map((item) => {
        const row = rows[item.index];
        if (row === undefined) return null;
        return (
          <div
            key={row.id}
            ref={shown.measureElement}
            data-index={item.index}
            className="stream-place"
            role="listitem"
            style={{ transform: `translateY(${item.start - top}px)` }}
          >
            {"exchange" in row ? (
              <OpenStream exchange={row.exchange} now={now} />
            ) : (
              <ClosedStream record={row.record} />
            )}
          </div>
        );
      })}
    </div>
  );
}

const PACE_WORDS = { waiting: "waiting", streaming: "streaming", stalled: "stalled" };

// Drawn when it has news and with every tick, but not for each turn of the wheel.
const OpenStream = memo(function OpenStream({ exchange, now }: { exchange: OpenExchange; now: number }) {
  const { progress } = exchange;
  const pace = paceOf(exchange, now);
  const silence = silenceOf(exchange, now);
  return (
    <article className="stream" data-id={exchange.id} data-pace={pace}>
      <Who {...exchange} outcome="open" />
      <p className="stream-pace">
        <span className="stream-dot" aria-hidden="true" />
        {PACE_WORDS[pace]}
        {pace !== "streaming" && ` ${duration(silence)}`}
        <Stop id={exchange.id} />
      </p>
      <Sparkline gaps={progress?.gaps_ms ?? []} />
      <dl className="stream-numbers">
        <Number name="elapsed" value={duration(ageOf(exchange, now))} />
        <Number name="TTFT" value={duration(progress?.ttft_ms)} />
        <Number name="tokens" value={count(progress?.output_tokens)} />
        <Number name="tok/s" value={rate(rateOf(exchange, now))} />
      </dl>
      <Tail text={progress?.text ?? ""} />
    </article>
  );
});

const ClosedStream = memo(function ClosedStream({ record }: { record: Summary }) {
  return (
    <article className="stream is-closed" data-id={record.id}>
      <Who {...record} />
      <p className="stream-pace">
        <OutcomeBadge
          outcome={record.outcome}
          closedBy={record.closed_by}
          httpStatus={record.http_status}
        />
      </p>
      <span className="spark" />
      <dl className="stream-numbers">
        <Number name="duration" value={duration(record.duration_ms)} />
        <Number name="TTFT" value={duration(record.ttft_ms)} />
        <Number name="tokens" value={count(record.output_tokens)} />
        <Number name="tok/s" value={rate(record.tokens_per_second)} />
      </dl>
      <p className="stream-end">{record.error_message ?? finish(record.finish_reasons)}</p>
    </article>
  );
});

/** Why the model stopped, in its own word, said so that nobody takes it for text. */
function finish(reasons: readonly string[]): string {
  return reasons.length === 0 ? "" : `finish reason: ${reasons.join(", ")}`;
}

type Named = Pick<Summary, "id" | "outcome" | "model" | "path" | "provider" | "user_id" | "session_id">;

function Who({ id, provider, user_id, session_id, ...named }: Named) {
  return (
    <div className="stream-who">
      <Link className="row-link" href={`/records/${id}`} title={named.path ?? undefined}>
        {nameOf(named)}
      </Link>
      <span>{[provider, user_id, session_id].filter(Boolean).join(" · ")}</span>
    </div>
  );
}

function Number({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

// As many characters as the widest row can hold.
const TAIL = 400;

/** The end of the text so far, its last word at the right edge once it is longer than that. */
function Tail({ text }: { text: string }) {
  return (
    <p className="stream-text" dir="auto">
      <span>{text.slice(-TAIL)}</span>
    </p>
  );
}

function Quiet({ isSearch, live }: { isSearch: boolean; live: LiveState }) {
  const isUnused = useIsUnused();
  if (isUnused === undefined) return null;
  if (!isSearch && live.closed.length === 0 && isUnused) return <FirstRun isInside />;
  return (
    <div className="notice" role="status">
      <p>{isSearch ? "No open stream matches." : "Nothing is running right now."}</p>
    </div>
  );
}

/** Whether there is no record at all; undefined while nobody knows. */
function useIsUnused(): boolean | undefined {
  const { data, isError } = useQuery({
    queryKey: ["latest"],
    queryFn: ({ signal }) => ask("/api/v1/records", { query: { limit: "1" }, signal }),
  });
  return isError ? false : data && data.records.length === 0;
}

function JustEnded({ records }: { records: readonly Summary[] }) {
  return (
    <section className="ended" aria-labelledby="ended-title">
      <h2 id="ended-title">Just ended</h2>
      <ul>
        {records.map((record) => (
          <li key={record.id}>
            <Link href={`/records/${record.id}`}>{nameOf(record)}</Link>
            <OutcomeBadge
              outcome={record.outcome}
              closedBy={record.closed_by}
              httpStatus={record.http_status}
            />
            <span>
              {duration(record.duration_ms)}, {counted(record.output_tokens ?? 0, "token")},{" "}
              {cost(record.cost_usd)}
            </span>
            <time dateTime={record.started_at} title={fullTime(record.started_at)}>
              {clock(record.started_at)}
            </time>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** j and k, and the arrows, go from stream to stream. */
function useRowKeys(root: React.RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (target.matches("input, select, textarea") || event.ctrlKey || event.metaKey) return;
      if (event.key === "/") {
        event.preventDefault();
        root.current?.querySelector<HTMLElement>("#search")?.focus();
        return;
      }
      const by = { j: 1, k: -1 }[event.key];
      if (by === undefined) return;
      const links = [...(root.current?.querySelectorAll<HTMLElement>(".streams .row-link") ?? [])];
      const next = links.indexOf(document.activeElement as HTMLElement) + by;
      links[Math.min(links.length - 1, Math.max(0, next))]?.focus();
      event.preventDefault();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [root]);
}
