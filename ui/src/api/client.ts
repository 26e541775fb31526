/** The one place that speaks HTTP: typed questions in, answers or an ApiError out. */
import type { paths } from "./schema";
import type { Access, ApiKey, Bucket, NewKey, RecordsPage, Scope, StreamRecord } from "./types";

/** What went wrong, in the API's own words where it had any. `status` 0: nobody answered. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly param: string | null;

  constructor(message: string, status: number, param: string | null = null) {
    super(message);
    this.status = status;
    this.param = param;
  }
}

/** The addresses that answer GET with JSON, and what each answers. */
type Answers = {
  [P in keyof paths]: paths[P] extends {
    get: { responses: { 200: { content: { "application/json": infer A } } } };
  }
    ? A
    : never;
};
type Readable = { [P in keyof Answers]: [Answers[P]] extends [never] ? never : P }[keyof Answers];

interface Question {
  /** What stands for `{record_id}` and its like. */
  path?: Record<string, string>;
  query?: URLSearchParams | Record<string, string>;
  signal: AbortSignal;
}

/** Ask one address of the API. */
export async function ask<P extends Readable>(
  address: P,
  { path = {}, query = {}, signal }: Question,
): Promise<Answers[P]> {
  const place = address.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(path[name] ?? ""));
  const search = new URLSearchParams(query).toString();
  return (await get(search === "" ? place : `${place}?${search}`, signal)) as Answers[P];
}

// The first page is soon there; who scrolls on wants more at a time.
const FIRST_PAGE = 60;
const LATER_PAGES = 200;

export function listRecords(
  filters: URLSearchParams,
  cursor: string | null,
  signal: AbortSignal,
): Promise<RecordsPage> {
  const query = new URLSearchParams(filters);
  query.set("limit", String(cursor === null ? FIRST_PAGE : LATER_PAGES));
  if (cursor !== null) query.set("cursor", cursor);
  return ask("/api/v1/records", { query, signal });
}

export function readRecord(id: string, signal: AbortSignal): Promise<StreamRecord> {
  return ask("/api/v1/records/{record_id}", {
    path: { record_id: id },
    query: { timeline: "true" },
    signal,
  });
}

/** The values of one column with their number of records, most frequent first. */
export async function listValues(column: string, signal: AbortSignal): Promise<Bucket[]> {
  const answer = await ask("/api/v1/stats", { query: { group_by: column }, signal });
  return answer.buckets.toSorted((a, b) => b.count - a.count);
}

/** The store's own size; null where it does not answer, for then `/metrics` leaves it out. */
export async function readStoreSize(
  signal: AbortSignal,
): Promise<{ rows: number | null; bytes: number | null }> {
  const answer = await reach("/metrics", { signal });
  const lines = (await answer.text()).split("\n");
  const valueOf = (name: string) => {
    const line = lines.find((one) => one.startsWith(`${name} `));
    return line === undefined ? null : Number(line.slice(name.length + 1));
  };
  return { rows: valueOf("streamgauge_store_rows"), bytes: valueOf("streamgauge_store_bytes") };
}

export function bytesPath(id: string): string {
  return `/api/v1/records/${encodeURIComponent(id)}/bytes`;
}

/** End a running stream on purpose. */
export async function stopRecord(id: string): Promise<void> {
  await send(`/api/v1/records/${encodeURIComponent(id)}/stop`, { method: "POST" });
}

export async function createKey(name: string, scopes: readonly Scope[]): Promise<NewKey> {
  return (await send("/api/v1/keys", posted({ name, scopes }))) as NewKey;
}

export async function revokeKey(id: string): Promise<ApiKey> {
  return (await send(`/api/v1/keys/${encodeURIComponent(id)}`, { method: "DELETE" })) as ApiKey;
}

/** Keep a key in this browser, where no script can read it. */
export async function signIn(key: string): Promise<Access> {
  return (await send("/api/v1/session", posted({ key }))) as Access;
}

export async function signOut(): Promise<void> {
  await reach("/api/v1/session", { method: "DELETE" });
}

function posted(body: object): RequestInit {
  const headers = { "Content-Type": "application/json" };
  return { method: "POST", headers, body: JSON.stringify(body) };
}

function get(path: string, signal: AbortSignal): Promise<unknown> {
  return send(path, { signal });
}

async function send(path: string, options: RequestInit): Promise<unknown> {
  const headers = new Headers(options.headers);
  headers.set("Accept", "application/json");
  const answer = await reach(path, { ...options, headers });
  return answer.json();
}

async function reach(path: string, options: RequestInit): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(path, options);
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new ApiError("The gateway does not answer. Is it running?", 0);
  }
  if (!answer.ok) throw await errorOf(answer);
  return answer;
}

async function errorOf(answer: Response): Promise<ApiError> {
  try {
    const { error } = (await answer.json()) as { error: { message: string; param?: string } };
    return new ApiError(error.message, answer.status, error.param ?? null);
  } catch {
    return new ApiError(`The gateway answered ${answer.status}.`, answer.status);
  }
}
