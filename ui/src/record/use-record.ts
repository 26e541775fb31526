import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";

import { ApiError, readRecord } from "../api/client";
import type { StreamRecord } from "../api/types";
import { ageOf, type OpenExchange } from "../live/live";
import { useLive, useNow } from "../live/use-live";

// While an exchange runs, and for the moment its record needs to reach the store.
const ASK_AGAIN_MS = 1000;
// One that is not there may still come, from a journal that waits for its recorder.
const ASK_LATER_MS = 5000;
// How long we wait for a record that we saw end before we say it is not there.
const PATIENCE_MS = 3000;

/** A record, followed while its exchange runs. */
export function useRecord(id: string) {
  const live = useLive();
  const exchange = live.open.get(id);
  const hasEnded = live.closed.some((record) => record.id === id);
  const isPatient = useIsRecent(`${id} ${hasEnded}`, PATIENCE_MS);

  const query = useQuery({
    queryKey: ["record", id],
    queryFn: ({ signal }) => readRecord(id, signal),
    refetchInterval: ({ state }) => {
      const isMissing = state.error instanceof ApiError && state.error.status === 404;
      const { data } = state;
      // An exchange that ended just now is told of before it is stored, without its timeline.
      const isUnsettled = data !== undefined && (data.outcome === "open" || !data.timeline);
      if (isUnsettled || (isMissing && isPatient)) return ASK_AGAIN_MS;
      return isMissing ? ASK_LATER_MS : false;
    },
  });

  const { refetch } = query;
  useEffect(() => {
    if (hasEnded) void refetch();
  }, [hasEnded, refetch]);

  const now = useNow(exchange !== undefined);
  const stored = query.data;
  const record = exchange && stored ? soFar(stored, exchange) : stored;
  const ageMs = exchange ? ageOf(exchange, now) : null;
  const isAwaited = exchange !== undefined || live.status === "connecting" || (hasEnded && isPatient);
  return { query, record, exchange, ageMs, isAwaited };
}

/** What the live view knows better than the store while the exchange runs. */
function soFar(stored: StreamRecord, exchange: OpenExchange): StreamRecord {
  if (stored.outcome !== "open") return stored;
  const { progress } = exchange;
  return {
    ...stored,
    ttft_ms: progress?.ttft_ms ?? stored.ttft_ms,
    max_gap_ms: progress?.max_gap_ms ?? stored.max_gap_ms,
    output_tokens: progress?.output_tokens ?? stored.output_tokens,
    usage_source: progress?.usage_source ?? stored.usage_source,
    chunks: progress?.chunks ?? stored.chunks,
    bytes_out: progress?.bytes_out ?? stored.bytes_out,
  };
}

/** True for *forMs* after *key* changed. */
function useIsRecent(key: string, forMs: number): boolean {
  const [past, setPast] = useState<string | null>(null);
  useEffect(() => {
    const timer = setTimeout(() => setPast(key), forMs);
    return () => clearTimeout(timer);
  }, [key, forMs]);
  return past !== key;
}
