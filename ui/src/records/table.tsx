import { memo, useRef, type KeyboardEvent } from "react";

import type { Summary } from "../api/types";
import { clock, cost, count, duration, fullTime, rate } from "../format";
import { ageOf, rateOf, type OpenExchange } from "../live/live";
import { useNow } from "../live/use-live";
import { OutcomeBadge } from "../parts/outcome";
import { Link } from "../router";
import { Shape } from "./shape";
import type { Rows } from "./rows";
import "./table.css";

const COLUMNS = [
  { name: "Time" },
  { name: "Model" },
  { name: "Provider", min: "medium" },
  { name: "Outcome" },
  { name: "Shape", hint: "the wait for the first content, then the stream", min: "widest" },
  { name: "TTFT", hint: "time to first token", isNumber: true },
  { name: "Duration", isNumber: true, min: "medium" },
  { name: "Tok/s", hint: "output tokens per second", isNumber: true, min: "medium" },
  { name: "In", hint: "input tokens", isNumber: true, min: "medium" },
  { name: "Out", hint: "output tokens", isNumber: true, min: "small" },
  { name: "Cost", isNumber: true, min: "small" },
  { name: "User", min: "wide" },
] as const;

const STEPS: Record<string, 1 | -1> = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 };

/** The list itself. Each row is one link; j/k and the arrows go from link to link. */
export function RecordsTable({ rows, isStale }: { rows: Rows; isStale: boolean }) {
  const body = useRef<HTMLTableElement>(null);
  const now = useNow(rows.open.length > 0);
  const longest = longestOf(rows, now);

  const step = (event: KeyboardEvent) => {
    const by = STEPS[event.key];
    if (by === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    const links = [...(body.current?.querySelectorAll<HTMLElement>("a.row-link") ?? [])];
    const at = links.indexOf(document.activeElement as HTMLElement);
    links[Math.min(links.length - 1, Math.max(0, at + by))]?.focus();
    event.preventDefault();
  };

  return (
    // Keys of the links within; the table itself takes no focus.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <table className="records" ref={body} onKeyDown={step} data-stale={isStale || undefined}>
      <caption className="visually-hidden">Records, newest first, open ones on top</caption>
      <thead>
        <tr>
          {COLUMNS.map((column) => (
            <th
              key={column.name}
              scope="col"
              className={"isNumber" in column ? "is-number" : undefined}
              data-min={"min" in column ? column.min : undefined}
              title={"hint" in column ? column.hint : undefined}
            >
              {column.name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.open.map((exchange) => (
          <OpenRow key={exchange.id} exchange={exchange} now={now} longest={longest} />
        ))}
        {rows.records.map((record) => (
          <RecordRow
            key={record.id}
            record={record}
            isFresh={rows.fresh.has(record.id)}
            longest={longest}
          />
        ))}
      </tbody>
    </table>
  );
}

interface RecordRowProps {
  record: Summary;
  isFresh: boolean;
  longest: number;
}

// The open rows above tick ten times a second; a closed one is drawn once.
const RecordRow = memo(function RecordRow({ record, isFresh, longest }: RecordRowProps) {
  return (
    <tr data-id={record.id} data-fresh={isFresh || undefined}>
      <TimeCell id={record.id} startedAt={record.started_at} />
      <ModelCell provider={record.provider} model={record.model} path={record.path} />
      <td className="provider" data-min="medium">{record.provider}</td>
      <td>
        <OutcomeBadge
          outcome={record.outcome}
          closedBy={record.closed_by}
          httpStatus={record.http_status}
        />
      </td>
      <td data-min="widest">
        <Shape
          waitMs={record.ttft_ms ?? record.first_byte_ms}
          durationMs={record.duration_ms}
          stalls={record.stalls ?? 0}
          longest={longest}
        />
      </td>
      <td className="is-number">{duration(record.ttft_ms)}</td>
      <td className="is-number" data-min="medium">{duration(record.duration_ms)}</td>
      <td className="is-number" data-min="medium">{rate(record.tokens_per_second)}</td>
      <td className="is-number" data-min="medium">{count(record.input_tokens)}</td>
      <td className="is-number" data-min="small">{count(record.output_tokens)}</td>
      <td className="is-number" data-min="small">{cost(record.cost_usd)}</td>
      <UserCell user={record.user_id} />
    </tr>
  );
});

function OpenRow({
  exchange,
  now,
  longest,
}: {
  exchange: OpenExchange;
  now: number;
  longest: number;
}) {
  const { progress } = exchange;
  const age = ageOf(exchange, now);
  return (
    <tr data-id={exchange.id} data-open="true">
      <TimeCell id={exchange.id} startedAt={exchange.started_at} />
      <ModelCell provider={exchange.provider} model={exchange.model} path={exchange.path} />
      <td className="provider" data-min="medium">{exchange.provider}</td>
      <td>
        <OutcomeBadge outcome="open" closedBy={null} />
      </td>
      <td data-min="widest">
        <Shape waitMs={progress?.ttft_ms ?? null} durationMs={age} stalls={0} longest={longest} />
      </td>
      <td className="is-number">{duration(progress?.ttft_ms)}</td>
      <td className="is-number" data-min="medium">{duration(age)}</td>
      <td className="is-number" data-min="medium">{rate(rateOf(exchange, now))}</td>
      <td className="is-number" data-min="medium">{count(null)}</td>
      <td className="is-number" data-min="small">{count(progress?.output_tokens)}</td>
      <td className="is-number" data-min="small">{cost(null)}</td>
      <UserCell user={exchange.user_id} />
    </tr>
  );
}

function TimeCell({ id, startedAt }: { id: string; startedAt: string }) {
  return (
    <td>
      <Link className="row-link" href={`/records/${id}`}>
        <time dateTime={startedAt} title={fullTime(startedAt)}>
          {clock(startedAt)}
        </time>
      </Link>
    </td>
  );
}

/** The model; on a narrow screen, where the provider has no column, with it beneath. */
function ModelCell({
  provider,
  model,
  path,
}: {
  provider: string;
  model: string | null;
  path: string;
}) {
  return (
    <td className="model">
      <span className="model-name" title={path}>
        {model ?? path}
      </span>
      <span className="model-provider">{provider}</span>
    </td>
  );
}

function UserCell({ user }: { user: string | null }) {
  return (
    <td className="user" data-min="wide" title={user ?? undefined}>
      {user ?? "–"}
    </td>
  );
}

/** Tokens per second so far: those after the first, since the first. */
/**
 * The longest duration on show, to draw the shapes to one scale. In steps of a fifth, so that
 * a running exchange does not change the scale of all rows with every tick.
 */
function longestOf(rows: Rows, now: number): number {
  const durations = rows.records.map((record) => record.duration_ms ?? 0);
  const longest = Math.max(1, ...durations, ...rows.open.map((exchange) => ageOf(exchange, now)));
  return 1.2 ** Math.ceil(Math.log(longest) / Math.log(1.2));
}
