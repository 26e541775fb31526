/** What the health was over the last minutes; the server keeps no history of it. */
import type { Health } from "../api/types";

export interface Sample {
  /** Seconds since 1970. */
  at: number;
  /** Seconds that the recorder was behind. */
  lag: number | null;
  /** Bytes of journal and records, per second since the sample before. */
  written: number | null;
  stored: number | null;
}

interface Counted extends Sample {
  totals: { written: number; stored: number };
}

// Ten minutes at one look each two seconds.
const MOST = 300;

/** The samples with one more; *at* in ms. Counters that fell, after a restart, give no rate. */
export function add(samples: readonly Sample[], health: Health, at: number): readonly Sample[] {
  const before = samples.at(-1) as Counted | undefined;
  const journals = (health.workers ?? []).map(({ journal }) => journal.written_bytes ?? 0);
  const totals = {
    written: journals.reduce((sum, one) => sum + one, 0),
    stored: health.recorder.records_stored ?? 0,
  };
  const seconds = before === undefined ? 0 : at / 1000 - before.at;
  const perSecond = (name: keyof typeof totals) => {
    if (before === undefined || seconds <= 0 || totals[name] < before.totals[name]) return null;
    return (totals[name] - before.totals[name]) / seconds;
  };
  const sample: Counted = {
    at: at / 1000,
    lag: health.recorder.lag_s ?? 0,
    written: perSecond("written"),
    stored: perSecond("stored"),
    totals,
  };
  return [...samples, sample].slice(-MOST);
}
