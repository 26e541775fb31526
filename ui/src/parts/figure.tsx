import { Link } from "../router";
import "./figure.css";

interface Props {
  label: string;
  value: string;
  note?: string;
  /** Where it leads to. */
  href?: string;
  isBad?: boolean;
}

/** One number of a headline (`dl.headline`), with what it is and a word beside it. */
export function Figure({ label, value, note = "", href, isBad = false }: Props) {
  return (
    <div className="figure" data-bad={isBad || undefined}>
      <dt>{label}</dt>
      <dd>
        <span className="figure-value">{href === undefined ? value : <Link href={href}>{value}</Link>}</span>
        {note && <span className="figure-note">{note}</span>}
      </dd>
    </div>
  );
}
