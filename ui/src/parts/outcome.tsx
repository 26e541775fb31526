import { OUTCOMES, type ClosedBy, type Outcome } from "../api/types";
import { words } from "../format";
import "./outcome.css";

export type Tone = "live" | "good" | "quiet" | "warn" | "bad";

/** How an end is to be taken. What is bad is an error, here as in the API's sums. */
export const TONES: Record<Outcome, Tone> = {
  open: "live",
  completed: "good",
  stopped: "quiet",
  client_left: "warn",
  truncated: "bad",
  stalled: "bad",
  no_first_token: "bad",
  fault_in_stream: "bad",
  http_error: "bad",
  connect_failed: "bad",
  refused: "bad",
  gateway_restarted: "bad",
};

/** The errors among records, as a filter of the list. */
export const ERRORS = {
  "outcome.not": OUTCOMES.filter((outcome) => TONES[outcome] !== "bad"),
};

// The usual end needs no second word: the provider finishes, then closes.
const USUAL: Partial<Record<Outcome, ClosedBy>> = {
  completed: "upstream",
  client_left: "client",
  gateway_restarted: "gateway",
};

interface Props {
  outcome: Outcome;
  closedBy: ClosedBy | null;
  httpStatus?: number | null;
  /** Say who closed even where it is the usual one. */
  isFull?: boolean;
}

export function OutcomeBadge({ outcome, closedBy, httpStatus = null, isFull = false }: Props) {
  const isWorthSaying = closedBy !== null && (isFull || USUAL[outcome] !== closedBy);
  const word = outcome === "http_error" && httpStatus ? `HTTP ${httpStatus}` : words(outcome);
  return (
    <span
      className="outcome"
      data-tone={TONES[outcome]}
      title={closedBy === null ? word : `${word}, closed by ${closedBy}`}
    >
      <span className="outcome-word">
        <span className="outcome-dot" aria-hidden="true" />
        {word}
      </span>
      {isWorthSaying && " "}
      {isWorthSaying && <span className="outcome-by">by {closedBy}</span>}
    </span>
  );
}
