import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";

import { readStoreSize } from "../api/client";
import type { Health } from "../api/types";
import { bytes, count, duration, rate } from "../format";
import { Chart } from "../parts/chart";
import { Figure } from "../parts/figure";
import { Problem } from "../parts/problem";
import { add, type Sample } from "./samples";
import { useHealth } from "./use-health";
import "./health.css";

const REFRESH_MS = 2_000;
// The store is asked for its size, and has other things to do.
const SIZE_REFRESH_MS = 15_000;

/** Whether the promises hold: nothing lost, nothing behind, everyone there. */
export function HealthPage() {
  const { data, error, isPending, refetch, dataUpdatedAt } = useHealth(REFRESH_MS);
  useEffect(() => {
    document.title = "Health · Streamgauge";
  }, []);
  const samples = useSamples(data, dataUpdatedAt);
  return (
    <main className="page health">
      <div className="health-head">
        <h1>Health</h1>
        {data && (
          <p className="health-status" data-status={data.status} role="status">
            <span className="health-dot" aria-hidden="true" />
            {statusOf(data)}
          </p>
        )}
      </div>
      {error && <Problem error={error} onRetry={() => void refetch()} />}
      {isPending && <p className="muted">Loading…</p>}
      {data && <Troubles health={data} />}
      {data && <Facts health={data} />}
      {samples.length > 1 && <Charts samples={samples} />}
      {data && <Workers workers={data.workers ?? []} />}
    </main>
  );
}

/** What was lost before is told, and alarms nobody. */
function statusOf({ status, has_losses: hasLosses }: Health): string {
  if (status !== "ok") return "Something does not hold";
  return hasLosses ? "Everything holds now, after losses" : "Everything holds";
}

/** What was seen since the page is open. */
function useSamples(health: Health | undefined, at: number): readonly Sample[] {
  const [samples, setSamples] = useState<readonly Sample[]>([]);
  const last = useRef(0);
  useEffect(() => {
    if (health === undefined || at === last.current) return;
    last.current = at;
    setSamples((before) => add(before, health, at));
  }, [health, at]);
  return samples;
}

const TROUBLES: readonly [(health: Health) => boolean, (health: Health) => string][] = [
  [
    (health) => workersOf(health).some(({ journal }) => journal.full === true),
    () => "The journal is at its limit: streams go on, but are not recorded.",
  ],
  [
    (health) => workersOf(health).some(({ journal }) => journal.stalled === true),
    () => "The journal’s disk is slow: what is streamed waits in memory to be written.",
  ],
  [
    (health) => workersOf(health).some(({ journal }) => (journal.lost_entries ?? 0) > 0),
    (health) =>
      `${count(lostOf(health))} journal entries were streamed to their clients but not kept.`,
  ],
  [
    (health) => (health.recorder.frames_dropped ?? 0) > 0,
    (health) => `${count(health.recorder.frames_dropped)} parts of the journal could not be read.`,
  ],
  [
    (health) => (health.recorder.lag_s ?? 0) > 10,
    (health) => `The recorder is ${duration(1000 * (health.recorder.lag_s ?? 0))} behind.`,
  ],
  [
    (health) => workersOf(health).some(({ age_s }) => age_s > 10),
    () => "A worker does not report any more.",
  ],
  [
    (health) => health.store.ok === false,
    (health) => `The store refuses records: ${health.store.last_error ?? "no reason given"}`,
  ],
];

function Troubles({ health }: { health: Health }) {
  const said = TROUBLES.filter(([holds]) => holds(health)).map(([, say]) => say(health));
  if (said.length === 0) return null;
  return (
    <ul className="notice health-troubles" role="alert">
      {said.map((text) => (
        <li key={text}>{text}</li>
      ))}
    </ul>
  );
}

function Facts({ health }: { health: Health }) {
  const { data: size } = useQuery({
    queryKey: ["store-size"],
    queryFn: ({ signal }) => readStoreSize(signal),
    refetchInterval: SIZE_REFRESH_MS,
  });
  const { recorder, store } = health;
  const workers = workersOf(health);
  const written = workers.reduce((sum, { journal }) => sum + (journal.written_bytes ?? 0), 0);
  const lost = lostOf(health);
  return (
    <dl className="headline">
      <Figure
        label="Recorder lag"
        value={duration(1000 * (recorder.lag_s ?? 0))}
        note={`${bytes(recorder.lag_bytes)} of journal`}
        isBad={(recorder.lag_s ?? 0) > 10}
      />
      <Figure label="Recorded" value={count(recorder.records_stored)} note="since the start" />
      <Figure
        label="Journal, lost"
        value={count(lost)}
        note={`of ${bytes(written)} written`}
        isBad={lost > 0}
      />
      <Figure
        label="Journal, unreadable"
        value={count(recorder.frames_dropped)}
        note={`${count(recorder.frames_repaired)} torn ends repaired`}
        isBad={(recorder.frames_dropped ?? 0) > 0}
      />
      <Figure
        label="Store"
        value={store.ok === false ? "refuses" : count(size?.rows)}
        note={store.ok === false ? store.scheme : `rows, ${bytes(size?.bytes)}, ${store.scheme}`}
        isBad={store.ok === false}
      />
      <Figure
        label="Streams open"
        value={count(workers.reduce((sum, { open }) => sum + open, 0))}
        note={`${count(workers.length)} ${workers.length === 1 ? "worker" : "workers"}`}
      />
      <Figure label="Version" value={health.version} note={`up ${duration(1000 * health.uptime_s)}`} />
    </dl>
  );
}

const perSecond = (value: number | null) => `${rate(value)}/s`;
const bytesPerSecond = (value: number | null) => `${bytes(value === null ? null : Math.round(value))}/s`;
const seconds = (value: number | null) => duration(value === null ? null : 1000 * value);

function Charts({ samples }: { samples: readonly Sample[] }) {
  const times = samples.map(({ at }) => at);
  const chart = (title: string, label: string, of: keyof Sample, format: typeof perSecond) => (
    <Chart
      title={title}
      times={times}
      format={format}
      lines={[{ label, color: "--stream", values: samples.map((one) => one[of]), isFilled: true }]}
    />
  );
  return (
    <div className="health-charts">
      {chart("Recorder lag", "behind", "lag", seconds)}
      {chart("Journal written", "all workers", "written", bytesPerSecond)}
      {chart("Records stored", "records", "stored", perSecond)}
    </div>
  );
}

function Workers({ workers }: { workers: readonly Worker[] }) {
  if (workers.length === 0) return null;
  return (
    <div className="panel health-workers">
      <table>
        <caption>Workers</caption>
        <thead>
          <tr>
            <th scope="col">Worker</th>
            <th scope="col" data-min="wide">Process</th>
            <th scope="col" data-min="wide">Reported</th>
            <th scope="col">Open</th>
            <th scope="col">Journal</th>
            <th scope="col">Lost</th>
            <th scope="col" data-min="wide">Disk stalls</th>
            <th scope="col">State</th>
          </tr>
        </thead>
        <tbody>
          {workers.map(({ node, worker, pid, age_s, open, journal }) => (
            <tr key={`${node}/${worker}`}>
              <th scope="row">
                {node}/{worker}
              </th>
              <td data-min="wide">{pid}</td>
              <td data-min="wide">{duration(1000 * age_s)} ago</td>
              <td>{count(open)}</td>
              <td>{bytes(journal.written_bytes)}</td>
              <td>{count(journal.lost_entries)}</td>
              <td data-min="wide">{count(journal.stalls)}</td>
              <td>{journal.full ? "full" : journal.stalled ? "stalled" : age_s > 10 ? "silent" : "at work"}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

type Worker = NonNullable<Health["workers"]>[number];

function workersOf(health: Health): readonly Worker[] {
  return health.workers ?? [];
}

function lostOf(health: Health): number {
  return workersOf(health).reduce((sum, { journal }) => sum + (journal.lost_entries ?? 0), 0);
}
