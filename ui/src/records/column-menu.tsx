import { useEffect, useRef } from "react";

import { COLUMNS, type Column } from "./columns";
import { Menu } from "./menu";

interface Props {
  /** Null for the usual ones. */
  chosen: readonly string[] | null;
  /** Those that one sees now: of the usual ones as many as fit. */
  shown: readonly Column[];
  onChoose: (names: readonly string[] | null) => void;
}

/** Which columns the list has: a box to tick for each. The time, which is the link, stays. */
export function ColumnMenu({ chosen, shown, onChoose }: Props) {
  return (
    <Menu label="Columns" isPlain>
      {({ id }) => <Choices id={id} chosen={chosen} shown={shown} onChoose={onChoose} />}
    </Menu>
  );
}

function Choices({ id, chosen, shown, onChoose }: Props & { id: string }) {
  const panel = useRef<HTMLFieldSetElement>(null);
  useEffect(() => panel.current?.querySelector("input")?.focus(), []);
  const names = shown.map(({ name }) => name);
  const toggle = (name: string, isOn: boolean) => {
    onChoose(isOn ? [...names, name] : names.filter((one) => one !== name));
  };
  return (
    <fieldset className="filter-panel column-panel" id={id} ref={panel}>
      <legend className="visually-hidden">Columns</legend>
      <div className="filter-values">
        {COLUMNS.map(({ name, label, hint }) => (
          <label key={name} className="filter-value">
            <input
              type="checkbox"
              checked={names.includes(name)}
              onChange={(event) => toggle(name, event.target.checked)}
            />
            <span className="filter-name">
              {label}
              {hint !== undefined && <small>{hint}</small>}
            </span>
          </label>
        ))}
      </div>
      {chosen !== null && (
        <button type="button" className="button is-small" onClick={() => onChoose(null)}>
          The usual columns
        </button>
      )}
    </fieldset>
  );
}
