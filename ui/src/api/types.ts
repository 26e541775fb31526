/** What the API answers. The names are the columns of a record; absent is null, never 0. */

export const OUTCOMES = [
  "open",
  "completed",
  "truncated",
  "stalled",
  "no_first_token",
  "fault_in_stream",
  "http_error",
  "connect_failed",
  "client_left",
  "stopped",
  "gateway_restarted",
  "refused",
] as const;

export type Outcome = (typeof OUTCOMES)[number];
export type ClosedBy = "client" | "upstream" | "gateway";
export type UsageSource = "reported" | "running" | "estimated" | "unknown";
export type CostSource = "provider" | "priced" | "estimated" | "unknown";

/** The columns of a list: a record without its bodies. Durations are milliseconds. */
export interface Summary {
  id: string;
  started_at: string;
  ended_at: string | null;
  source: string;
  provider: string;
  dialect: string | null;
  method: string;
  path: string;
  model: string | null;
  response_model: string | null;
  streaming: boolean;
  http_status: number | null;
  outcome: Outcome;
  closed_by: ClosedBy | null;
  error_type: string | null;
  error_message: string | null;
  connect_ms: number | null;
  headers_ms: number | null;
  first_byte_ms: number | null;
  first_event_ms: number | null;
  first_reasoning_ms: number | null;
  ttft_ms: number | null;
  last_token_ms: number | null;
  duration_ms: number | null;
  itl_p50_ms: number | null;
  itl_p95_ms: number | null;
  itl_p99_ms: number | null;
  max_gap_ms: number | null;
  stalls: number | null;
  tokens_per_second: number | null;
  overhead_p50_us: number | null;
  overhead_max_us: number | null;
  chunks: number | null;
  bytes_in: number | null;
  bytes_out: number | null;
  input_tokens: number | null;
  output_tokens: number | null;
  cached_input_tokens: number | null;
  cache_write_tokens: number | null;
  reasoning_tokens: number | null;
  audio_input_tokens: number | null;
  audio_output_tokens: number | null;
  usage_source: UsageSource;
  cost_usd: number | null;
  cost_source: CostSource;
  finish_reasons: string[];
  tool_calls: string[];
  user_id: string | null;
  session_id: string | null;
  session_path: string | null;
  session_name: string | null;
  properties: Record<string, string>;
  client_request_id: string | null;
  provider_request_id: string | null;
  key_hash: string | null;
  resumed: number;
  journal_node: string;
}

/** Defaults are left out of a reply's JSON, so every field of its parts may be missing. */
export interface ToolCall {
  index?: number;
  id?: string | null;
  type?: string | null;
  name?: string | null;
  arguments?: string;
}

export interface Choice {
  index?: number;
  role?: string | null;
  text?: string;
  reasoning?: string;
  refusal?: string;
  tool_calls?: ToolCall[];
  finish_reason?: string | null;
  extra?: Record<string, unknown>;
}

export interface Fault {
  type?: string | null;
  message?: string | null;
}

export interface Reply {
  id?: string | null;
  model?: string | null;
  choices?: Choice[];
  usage?: Record<string, unknown> | null;
  faults?: Fault[];
  extra?: Record<string, unknown>;
}

/** One chunk: when it came (ms from the request's end) and its bytes. */
export type Chunk = readonly [ms: number, bytes: number];

export interface StreamRecord extends Summary {
  request_body: string | null;
  reply: Reply | null;
  response_text: string | null;
  timeline?: { chunks: Chunk[] } | null;
}

export interface RecordsPage {
  records: Summary[];
  next_cursor: string | null;
}

/** One group's share of the records, without time buckets. */
export interface Total {
  group: string | number | boolean | null;
  count: number;
}
