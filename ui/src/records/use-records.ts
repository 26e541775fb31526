import { keepPreviousData, useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";

import { listRecords } from "../api/client";
import type { LiveState } from "../live/live";
import { matches } from "./filters";
import { questionOf, type ListState } from "./state";

// A record reaches the store a moment after its exchange ended, a busy store some seconds after:
// we ask now and then for a while. Under steady traffic that while does not end.
const ASK_EVERY_MS = 2000;
const ASK_FOR_MS = 8000;
// Of more closed exchanges than this we may have forgotten some: ask the store again.
const FORGOTTEN = 250;

/** The stored records that the filters ask for, in pages, kept current while we watch. */
export function useRecords(
  { filters, sort, last }: ListState,
  live: LiveState,
  isPaused: boolean,
) {
  const client = useQueryClient();
  const query = JSON.stringify([filters, sort, last]);
  const result = useInfiniteQuery({
    queryKey: ["records", query],
    queryFn: ({ pageParam, signal }) => {
      return listRecords(questionOf({ filters, sort, last }), pageParam, signal);
    },
    initialPageParam: null as string | null,
    // The rows before stay, paler, until the new ones are there.
    placeholderData: keepPreviousData,
    getNextPageParam: (page) => page.next_cursor,
  });

  // What we can't decide ourselves (a text search), the store is asked about.
  const unsure = live.closed.find((record) => matches(filters, record) === null)?.id;
  const missed = Math.floor(live.closedCount / FORGOTTEN);
  const askUntil = useRef(-Infinity);
  useEffect(() => {
    askUntil.current = performance.now() + ASK_FOR_MS;
  }, [query, live.connections, unsure, missed]);
  useEffect(() => {
    if (isPaused) return undefined;
    const timer = setInterval(() => {
      if (performance.now() > askUntil.current) return;
      // A question under way is waited for: a slow store must come to an answer.
      void client.invalidateQueries({ queryKey: ["records", query] }, { cancelRefetch: false });
    }, ASK_EVERY_MS);
    return () => clearInterval(timer);
  }, [client, query, isPaused]);

  return result;
}
