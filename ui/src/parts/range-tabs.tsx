import { Link } from "../router";
import { FROM, RANGES, TO, wordsOf, type TimeRange } from "./range";
import "./range-tabs.css";

interface Props {
  /** The view's own address. */
  path: string;
  range: TimeRange;
}

const IN_RANGE = ["last", FROM, TO];

/** Which part of the time a view is about; the rest of its state stays. */
export function RangeTabs({ path, range }: Props) {
  const whole = new URLSearchParams(range.text);
  for (const name of IN_RANGE) whole.delete(name);
  const address = (last: string) => {
    const query = new URLSearchParams(whole);
    if (last !== "all") query.set("last", last);
    const text = query.toString();
    return text === "" ? path : `${path}?${text}`;
  };
  return (
    <>
      <nav className="tabs range-tabs" aria-label="Time">
        {Object.entries(RANGES).map(([name, { label }]) => (
          <Link
            key={name}
            className="tab"
            href={address(name)}
            aria-current={range.name === name ? "true" : undefined}
          >
            {label}
          </Link>
        ))}
      </nav>
      {range.name === null && (
        <Link className="button chip range-chip" href={address("all")}>
          {wordsOf(range.query)} <span aria-hidden="true">×</span>
          <span className="visually-hidden">, remove</span>
        </Link>
      )}
    </>
  );
}
