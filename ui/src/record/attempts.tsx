import type { StreamRecord } from "../api/types";
import { ABSENT, duration } from "../format";

/** Every attempt at an exchange, where there was more than one: to whom, how long, what came. */
export function Attempts({ record }: { record: StreamRecord }) {
  const { attempts } = record;
  if (attempts.length === 0) return null;
  return (
    <section className="panel attempts" aria-labelledby="attempts-title">
      <h2 id="attempts-title">Attempts</h2>
      <table>
        <thead>
          <tr>
            <th scope="col" className="is-number">
              After
            </th>
            <th scope="col">Asked</th>
            <th scope="col">Model</th>
            <th scope="col" className="is-number">
              Took
            </th>
            <th scope="col">Answer</th>
          </tr>
        </thead>
        <tbody>
          {attempts.map((attempt, index) => (
            <tr key={index} data-failed={index < attempts.length - 1 || undefined}>
              <td className="is-number">{duration(attempt.started_ms)}</td>
              <th scope="row">
                {attempt.provider} <span className="muted">{attempt.upstream}</span>
              </th>
              <td>{attempt.model ?? record.model ?? ABSENT}</td>
              <td className="is-number">{tookOf(attempt)}</td>
              <td>
                {[attempt.http_status && `HTTP ${attempt.http_status}`, attempt.error_type]
                  .filter(Boolean)
                  .join(", ") || ABSENT}
                {attempt.error_message && <div className="muted">{attempt.error_message}</div>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function tookOf({ started_ms, ended_ms }: { started_ms?: number; ended_ms?: number | null }): string {
  return ended_ms == null ? ABSENT : duration(ended_ms - (started_ms ?? 0));
}
