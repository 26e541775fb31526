/** The one place that speaks HTTP: typed questions in, answers or an ApiError out. */
import type { RecordsPage, StreamRecord, Total } from "./types";

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

export const PAGE_SIZE = 60;

export function listRecords(
  filters: URLSearchParams,
  cursor: string | null,
  signal: AbortSignal,
): Promise<RecordsPage> {
  const query = new URLSearchParams(filters);
  query.set("limit", String(PAGE_SIZE));
  if (cursor !== null) query.set("cursor", cursor);
  return get<RecordsPage>(`/api/v1/records?${query.toString()}`, signal);
}

export function readRecord(id: string, signal: AbortSignal): Promise<StreamRecord> {
  return get<StreamRecord>(`/api/v1/records/${encodeURIComponent(id)}?timeline=true`, signal);
}

/** The values of one column with their number of records, most frequent first. */
export async function listValues(column: string, signal: AbortSignal): Promise<Total[]> {
  const query = new URLSearchParams({ group_by: column });
  const answer = await get<{ buckets: Total[] }>(`/api/v1/stats?${query.toString()}`, signal);
  return answer.buckets.toSorted((a, b) => b.count - a.count);
}

export function bytesPath(id: string): string {
  return `/api/v1/records/${encodeURIComponent(id)}/bytes`;
}

async function get<T>(path: string, signal: AbortSignal): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(path, { signal, headers: { Accept: "application/json" } });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new ApiError("The gateway does not answer. Is it running?", 0);
  }
  if (!answer.ok) throw await errorOf(answer);
  return (await answer.json()) as T;
}

async function errorOf(answer: Response): Promise<ApiError> {
  try {
    const { error } = (await answer.json()) as { error: { message: string; param?: string } };
    return new ApiError(error.message, answer.status, error.param ?? null);
  } catch {
    return new ApiError(`The gateway answered ${answer.status}.`, answer.status);
  }
}
