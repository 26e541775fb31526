/** The columns that the list can have: what each is called, how wide it is, what stands in it. */
import type { ReactNode } from "react";

import type { Summary } from "../api/types";
import { ABSENT, cost, count, duration, micros, rate, words } from "../format";
import { ageOf, rateOf, type OpenExchange } from "../live/live";
import { nameOf } from "../parts/name";
import { OutcomeBadge } from "../parts/outcome";
import { Shape } from "./shape";

/** A record, or what is known of one that still runs. */
export type Shown = Partial<Summary> & Pick<Summary, "id" | "started_at" | "outcome" | "path" | "provider">;

export interface Column {
  /** As it stands in the address: the record's own word for it. */
  name: string;
  label: string;
  hint?: string;
  /** The least width in pixels, and that on a phone. */
  width: number;
  narrow?: number;
  /** Takes its part of the width that is left over. */
  share?: number;
  isNumber?: boolean;
  /** Shown unless one chooses; of those, the highest goes first where not all fit. */
  rank?: number;
  cell: (record: Shown, longest: number) => ReactNode;
}

// Names, as they come: one can be cut short, its whole stands in the title.
const text = (value: string | null | undefined): ReactNode => {
  return value ? <span title={value}>{value}</span> : ABSENT;
};

type Numbers = { [K in keyof Summary]: Summary[K] extends number | null ? K : never }[keyof Summary];
type Texts = { [K in keyof Summary]: Summary[K] extends string | null ? K : never }[keyof Summary];

interface NumberOf {
  label: string;
  hint?: string;
  width: number;
  narrow?: number;
  rank?: number;
}

function number(name: Numbers, format: (value: Summary[Numbers] | undefined) => string, more: NumberOf): Column {
  return { name, ...more, isNumber: true, cell: (record) => format(record[name]) };
}

function named(name: Texts, label: string, width: number, more: { hint?: string; rank?: number } = {}): Column {
  return { name, label, width, share: 1, ...more, cell: (record) => text(record[name]) };
}

export const COLUMNS: readonly Column[] = [
  {
    name: "model",
    label: "Model",
    width: 170,
    narrow: 70,
    share: 3,
    rank: 0,
    cell: (record) => (
      <>
        <span className="model-name" title={record.path ?? undefined}>
          {nameOf(record)}
        </span>
        <span className="model-provider">{record.provider}</span>
      </>
    ),
  },
  {
    name: "provider",
    label: "Provider",
    width: 96,
    rank: 8,
    cell: ({ provider }) => <span className="muted">{provider ?? ABSENT}</span>,
  },
  {
    name: "outcome",
    label: "Outcome",
    width: 196,
    narrow: 108,
    rank: 1,
    cell: ({ outcome, closed_by, http_status }) => (
      <OutcomeBadge outcome={outcome} closedBy={closed_by ?? null} httpStatus={http_status ?? null} />
    ),
  },
  {
    name: "shape",
    label: "Shape",
    hint: "the wait for the first content, then the stream",
    width: 104,
    rank: 10,
    cell: (record, longest) => (
      <Shape
        waitMs={record.ttft_ms ?? record.first_byte_ms ?? null}
        durationMs={record.duration_ms ?? null}
        stalls={record.stalls ?? 0}
        longest={longest}
      />
    ),
  },
  number("ttft_ms", duration, { label: "TTFT", hint: "time to first token", width: 76, narrow: 72, rank: 2 }),
  number("duration_ms", duration, { label: "Duration", width: 86, rank: 5 }),
  number("tokens_per_second", rate, { label: "Tok/s", hint: "output tokens per second", width: 68, rank: 6 }),
  number("input_tokens", count, { label: "In", hint: "input tokens", width: 70, rank: 7 }),
  number("output_tokens", count, { label: "Out", hint: "output tokens", width: 68, rank: 3 }),
  {
    name: "cost_usd",
    label: "Cost",
    width: 106,
    rank: 4,
    isNumber: true,
    cell: ({ cost_usd }) => <span title={cost(cost_usd)}>{cost(cost_usd)}</span>,
  },
  named("user_id", "User", 96, { rank: 9 }),
  named("session_id", "Session", 110),
  number("max_gap_ms", duration, { label: "Max gap", hint: "the longest pause between chunks", width: 82 }),
  number("stalls", count, { label: "Stalls", hint: "pauses of more than two seconds", width: 62 }),
  number("itl_p50_ms", duration, { label: "ITL p50", hint: "time between tokens, half are shorter", width: 78 }),
  number("itl_p95_ms", duration, { label: "ITL p95", hint: "time between tokens, 95 % are shorter", width: 78 }),
  number("itl_p99_ms", duration, { label: "ITL p99", hint: "time between tokens, 99 % are shorter", width: 78 }),
  number("first_byte_ms", duration, { label: "First byte", width: 84 }),
  {
    name: "finish_reasons",
    label: "Finish reason",
    hint: "why the model stopped, in its own word",
    width: 108,
    cell: ({ finish_reasons }) => text(finish_reasons?.join(", ")),
  },
  {
    name: "closed_by",
    label: "Closed by",
    hint: "who closed the connection first",
    width: 88,
    cell: ({ closed_by }) => closed_by ?? ABSENT,
  },
  {
    name: "http_status",
    label: "HTTP",
    hint: "status of the answer",
    width: 62,
    isNumber: true,
    cell: ({ http_status }) => http_status ?? ABSENT,
  },
  {
    name: "retries",
    label: "Attempts",
    hint: "how often it was tried",
    width: 80,
    isNumber: true,
    cell: ({ retries }) => count(retries === undefined ? null : retries + 1),
  },
  number("cached_input_tokens", count, { label: "Cached", hint: "input tokens from the provider's cache", width: 72 }),
  number("reasoning_tokens", count, { label: "Reasoning", hint: "tokens of reasoning", width: 88 }),
  {
    name: "usage_source",
    label: "Tokens by",
    hint: "who counted the tokens",
    width: 92,
    cell: ({ usage_source }) => usage_source ?? ABSENT,
  },
  {
    name: "tool_calls",
    label: "Tools",
    hint: "the tools it called",
    width: 110,
    share: 1,
    cell: ({ tool_calls }) => text(tool_calls?.join(", ")),
  },
  named("error_type", "Error", 110),
  number("chunks", count, { label: "Chunks", width: 72 }),
  number("overhead_p50_us", micros, { label: "Overhead", hint: "the gateway's own time per chunk, p50", width: 86 }),
  named("key_hash", "Key", 90, { hint: "the key it was asked with, as a hash" }),
  named("response_model", "Answered by", 130, { hint: "the model that the provider names" }),
  named("path", "Path", 150),
  {
    name: "source",
    label: "Source",
    hint: "gateway, SDK, or another client's log",
    width: 80,
    cell: ({ source }) => (source ? words(source) : ABSENT),
  },
];

/** What is known of an exchange that still runs. */
export function soFar(exchange: OpenExchange, now: number): Shown {
  const { progress } = exchange;
  return {
    id: exchange.id,
    started_at: exchange.started_at,
    outcome: "open",
    path: exchange.path,
    provider: exchange.provider,
    model: exchange.model,
    user_id: exchange.user_id,
    session_id: exchange.session_id,
    duration_ms: ageOf(exchange, now),
    tokens_per_second: rateOf(exchange, now),
    ttft_ms: progress?.ttft_ms ?? null,
    output_tokens: progress?.output_tokens ?? null,
    max_gap_ms: progress?.max_gap_ms ?? null,
    ...(progress === null ? {} : { chunks: progress.chunks, usage_source: progress.usage_source }),
  };
}
