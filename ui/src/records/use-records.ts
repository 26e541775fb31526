import { keepPreviousData, useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";

import { listRecords } from "../api/client";
import type { LiveState } from "../live/live";
import { matches } from "./filters";
import { questionOf, type ListState } from "./state";

// A record reaches the store a moment after its exchange ended; we ask after that moment.
const SETTLE_MS = 1500;
// Of more closed exchanges than this we may have forgotten some: ask the store again.
const ASK_EVERY = 250;

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

  // What we can't decide ourselves (a text search, a range), the store is asked about.
  const unsure = live.closed.find((record) => matches(filters, record) === null)?.id;
  const missed = Math.floor(live.closedCount / ASK_EVERY);
  useEffect(() => {
    if (live.connections === 0 || isPaused) return undefined;
    const timer = setTimeout(() => {
      void client.invalidateQueries({ queryKey: ["records", query] });
    }, SETTLE_MS);
    return () => clearTimeout(timer);
  }, [client, query, live.connections, unsure, missed, isPaused]);

  return result;
}
