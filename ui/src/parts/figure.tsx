import "./figure.css";

interface Props {
  label: string;
  value: string;
  note?: string;
  isBad?: boolean;
}

/** One number of a headline (`dl.headline`), with what it is and a word beside it. */
export function Figure({ label, value, note = "", isBad = false }: Props) {
  return (
    <div className="figure" data-bad={isBad || undefined}>
      <dt>{label}</dt>
      <dd>
        <span className="figure-value">{value}</span>
        {note && <span className="figure-note">{note}</span>}
      </dd>
    </div>
  );
}
