/** What a record is called. */
import type { Outcome } from "../api/types";

interface Named {
  model?: string | null;
  path: string | null;
  outcome: Outcome;
}

/** Its model, or the path where none was asked for; while it is open, that may still turn up. */
export function nameOf({ model, path, outcome }: Named): string {
  return model ?? (outcome === "open" ? "…" : (path ?? "unnamed"));
}
