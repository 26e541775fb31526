import { useEffect, useState, useSyncExternalStore } from "react";

import { LiveConnection, type LiveView } from "./connection";

const connection = new LiveConnection("/api/v1/live");

/** What is running now; the component renders again as it changes. */
export function useLive(): LiveView {
  return useSyncExternalStore(connection.subscribe, connection.view);
}

/** The page's monotonic clock, ticking while `isTicking`. */
export function useNow(isTicking: boolean, everyMs = 100): number {
  const [now, setNow] = useState(() => performance.now());
  useEffect(() => {
    if (!isTicking) return undefined;
    const timer = setInterval(() => setNow(performance.now()), everyMs);
    return () => clearInterval(timer);
  }, [isTicking, everyMs]);
  return now;
}
