/**
 * What the API answers, by the names that the page uses.
 *
 * The shapes come from the server's own description (`openapi.json`, see `make api-types`);
 * the names are the columns of a record, and absent is null, never 0.
 */
import type { components } from "./schema";

type Schemas = components["schemas"];

export type Outcome = Schemas["Outcome"];
export type ClosedBy = Schemas["ClosedBy"];
export type UsageSource = Schemas["UsageSource"];
export type CostSource = Schemas["CostSource"];

/** The columns of a list: a record without its bodies. Durations are milliseconds. */
export type Summary = Schemas["RecordSummary"];
/** A whole record. */
export type StreamRecord = Schemas["RecordDetail"];
export type Attempt = Schemas["Attempt"];
export type RecordsPage = Schemas["RecordPage"];

export type Reply = Schemas["Reply"];
export type Choice = Schemas["Choice"];
export type ToolCall = Schemas["ToolCall"];
export type Fault = Schemas["Fault"];

/** One chunk: when it came (ms from the request's end) and its bytes. */
export type Chunk = readonly [ms: number, bytes: number];

export type Stats = Schemas["Stats"];
/** Measures of one group in one time bucket. */
export type Bucket = Schemas["Bucket"];

/** Times to first token by time. */
export type Heatmap = Schemas["Heatmap"];

/** Records added up: by session, by user, by model. */
export type Session = Schemas["Session"];
export type User = Schemas["User"];
export type Model = Schemas["Model"];

export type Health = Schemas["Health"];

/** An API key, without its secret. */
export type ApiKey = Schemas["ApiKey"];
/** One that was just made, with it. */
export type NewKey = Schemas["NewKey"];
export type Scope = Schemas["Scope"];
/** Whether the server has keys, and what this browser's is good for. */
export type Access = Schemas["Access"];

/** The outcomes, in the order in which a list offers them. */
export const OUTCOMES = Object.keys({
  open: 0,
  completed: 0,
  truncated: 0,
  stalled: 0,
  no_first_token: 0,
  fault_in_stream: 0,
  http_error: 0,
  connect_failed: 0,
  client_left: 0,
  stopped: 0,
  gateway_restarted: 0,
  refused: 0,
} satisfies Record<Outcome, 0>) as Outcome[];
