/** How the gateway is, as `/healthz` tells it; all that ask share one answer. */
import { useQuery } from "@tanstack/react-query";

import { ask } from "../api/client";
import type { Health } from "../api/types";

export const HEALTH = ["health"];

// Whoever reads another view is to learn of a loss soon, not at once.
const REFRESH_MS = 5_000;

export function useHealth(refreshMs = REFRESH_MS) {
  return useQuery({
    queryKey: HEALTH,
    queryFn: ({ signal }) => ask("/healthz", { signal }),
    refetchInterval: refreshMs,
  });
}

/** How many exchanges the workers at work have begun, recorded or not. */
export function servedBy({ workers = [] }: Health): number {
  return workers.reduce((sum, { exchanges = 0 }) => sum + exchanges, 0);
}
