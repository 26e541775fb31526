import type { ReactNode } from "react";

import type { CostSource, StreamRecord, UsageSource } from "../api/types";
import {
  ABSENT,
  bytes,
  cost,
  count,
  duration,
  exactMs,
  fullTime,
  micros,
  rate,
  words,
} from "../format";
import { MARKS } from "../timeline/scale";

export const USAGE_SOURCES: Record<UsageSource, string> = {
  reported: "reported by the provider",
  running: "last partial count",
  estimated: "estimated",
  unknown: "unknown",
};

export const COST_SOURCES: Record<CostSource, string> = {
  provider: "stated by the provider",
  priced: "usage × price list",
  estimated: "estimated",
  unknown: "unknown",
};

/** A fact; one that is `rare` shows only where there is something to say. */
interface Fact {
  label: string;
  value: (record: StreamRecord) => ReactNode;
  isRare?: true;
}

type SingleField = {
  [K in keyof StreamRecord]-?: StreamRecord[K] extends string | number | null ? K : never;
}[keyof StreamRecord];

const text =
  (field: SingleField) =>
  (record: StreamRecord): ReactNode => {
    const value = record[field];
    return value === null || value === "" ? ABSENT : String(value);
  };

const GROUPS: readonly { title: string; facts: readonly Fact[] }[] = [
  {
    title: "Tokens and cost",
    facts: [
      { label: "Input", value: (r) => count(r.input_tokens) },
      { label: "of it cached", value: (r) => count(r.cached_input_tokens) },
      { label: "written to cache", value: (r) => count(r.cache_write_tokens), isRare: true },
      { label: "of it audio", value: (r) => count(r.audio_input_tokens), isRare: true },
      { label: "Output", value: (r) => count(r.output_tokens) },
      { label: "of it reasoning", value: (r) => count(r.reasoning_tokens) },
      { label: "of it audio", value: (r) => count(r.audio_output_tokens), isRare: true },
      { label: "Tokens are", value: (r) => USAGE_SOURCES[r.usage_source] },
      { label: "Cost", value: (r) => cost(r.cost_usd) },
      { label: "Cost is", value: (r) => COST_SOURCES[r.cost_source] },
    ],
  },
  {
    title: "Marks",
    facts: MARKS.map(({ field, label }) => ({
      label: field === "ttft_ms" ? "First content (TTFT)" : label,
      value: (r: StreamRecord) => exactMs(r[field]),
    })),
  },
  {
    title: "Evenness",
    facts: [
      { label: "Tokens per second", value: (r) => rate(r.tokens_per_second) },
      { label: "Between tokens, p50", value: (r) => exactMs(r.itl_p50_ms) },
      { label: "p95", value: (r) => exactMs(r.itl_p95_ms) },
      { label: "p99", value: (r) => exactMs(r.itl_p99_ms) },
      { label: "Longest gap", value: (r) => duration(r.max_gap_ms) },
      { label: "Gaps over 2 s", value: (r) => count(r.stalls) },
      { label: "Gateway's share, p50", value: (r) => micros(r.overhead_p50_us) },
      { label: "Gateway's share, most", value: (r) => micros(r.overhead_max_us) },
    ],
  },
  {
    title: "Exchange",
    facts: [
      { label: "Started", value: (r) => fullTime(r.started_at) },
      { label: "Ended", value: (r) => fullTime(r.ended_at) },
      { label: "Request", value: (r) => `${r.method} ${r.path ?? ""}`.trim() || ABSENT },
      { label: "Model asked for", value: text("model") },
      { label: "Model that answered", value: text("response_model") },
      { label: "Dialect", value: (r) => (r.dialect ? words(r.dialect) : ABSENT) },
      { label: "Streamed", value: (r) => (r.streaming ? "yes" : "no") },
      { label: "HTTP status", value: text("http_status") },
      { label: "Closed by", value: text("closed_by") },
      { label: "Finish reason", value: (r) => r.finish_reasons.map(words).join(", ") || ABSENT },
      { label: "Tools called", value: (r) => r.tool_calls.join(", ") || ABSENT, isRare: true },
      { label: "Sent, received", value: (r) => `${bytes(r.bytes_in)}, ${bytes(r.bytes_out)}` },
      { label: "Chunks", value: (r) => count(r.chunks) },
      { label: "Resumed", value: (r) => (r.resumed > 0 ? count(r.resumed) : ABSENT), isRare: true },
    ],
  },
  {
    title: "Who",
    facts: [
      { label: "User", value: text("user_id") },
      { label: "Session", value: text("session_id") },
      { label: "Session name", value: text("session_name"), isRare: true },
      { label: "Session path", value: text("session_path"), isRare: true },
      { label: "Source", value: text("source") },
      { label: "Record", value: text("id") },
      { label: "Client's request id", value: text("client_request_id"), isRare: true },
      { label: "Provider's request id", value: text("provider_request_id"), isRare: true },
      { label: "Key", value: text("key_hash"), isRare: true },
      { label: "Node", value: text("journal_node"), isRare: true },
    ],
  },
];

/** Everything that is known about a record, in groups. */
export function Facts({ record }: { record: StreamRecord }) {
  const properties = Object.entries(record.properties);
  return (
    <aside className="panel facts" aria-label="Facts">
      {GROUPS.map((group) => (
        <section key={group.title} className="fact-group">
          <h2>{group.title}</h2>
          <dl>
            {group.facts.map((fact, index) => {
              const value = fact.value(record);
              if (fact.isRare && value === ABSENT) return null;
              return <FactRow key={index} label={fact.label} value={value} />;
            })}
            {group.title === "Who" &&
              properties.map(([name, value]) => (
                <FactRow key={`property ${name}`} label={name} value={value} />
              ))}
          </dl>
        </section>
      ))}
    </aside>
  );
}

function FactRow({ label, value }: { label: string; value: ReactNode }) {
  return (
    <div className="fact" data-part={label.startsWith("of it") || undefined}>
      <dt>{label}</dt>
      <dd>{value}</dd>
    </div>
  );
}
