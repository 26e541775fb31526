import { Link } from "../router";
import { useHealth } from "./use-health";
import "./amiss.css";

/** Says on every view that something does not hold: the streams themselves look well. */
export function Amiss() {
  const { data } = useHealth();
  if (data === undefined || data.status === "ok") return null;
  const isLosing = data.workers?.some(({ journal }) => journal.losing === true || journal.full === true);
  return (
    <aside className="amiss" aria-label="Warning">
      <p role="status">
        <span className="amiss-dot" aria-hidden="true" />
        {isLosing ? "What streams now is not recorded." : "Something does not hold."}{" "}
        <Link href="/health">See Health</Link>
      </p>
    </aside>
  );
}
