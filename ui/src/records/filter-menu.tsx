import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";

import { listValues } from "../api/client";
import { count, words } from "../format";
import { Menu } from "./menu";

// From this many values on, a field to find one pays.
const FIND_FROM = 8;
const SHOWN = 200;

interface Props {
  column: string;
  label: string;
  chosen: readonly string[];
  onChoose: (values: string[]) => void;
}

/** One column's filter: a list of its values to tick, any of them. */
export function FilterMenu({ column, label, chosen, onChoose }: Props) {
  return (
    <Menu label={label} {...(chosen.length > 0 ? { chosen: summary(column, chosen) } : {})}>
      {({ id }) => (
        <Values id={id} column={column} label={label} chosen={chosen} onChoose={onChoose} />
      )}
    </Menu>
  );
}

function Values({ id, column, label, chosen, onChoose }: Props & { id: string }) {
  const [wanted, setWanted] = useState("");
  const { data, isPending, error } = useQuery({
    queryKey: ["values", column],
    queryFn: ({ signal }) => listValues(column, signal),
    staleTime: 5000,
  });
  const panel = useRef<HTMLFieldSetElement>(null);
  useEffect(() => panel.current?.querySelector("input")?.focus(), [isPending]);

  const known = (data ?? []).map(({ group, count }) => ({ value: group ?? "", count }));
  const missing = chosen.filter((value) => !known.some((one) => one.value === value));
  const all = [...missing.map((value) => ({ value, count: null })), ...known];
  const shown = all.filter(({ value }) => value.toLowerCase().includes(wanted.toLowerCase()));

  const toggle = (value: string, isOn: boolean) =>
    onChoose(isOn ? [...chosen, value] : chosen.filter((one) => one !== value));

  return (
    <fieldset className="filter-panel" id={id} ref={panel}>
      <legend className="visually-hidden">{label}</legend>
      {all.length >= FIND_FROM && (
        <input
          type="search"
          className="field"
          placeholder={`Find a ${label.toLowerCase()}`}
          aria-label={`Find a ${label.toLowerCase()}`}
          value={wanted}
          onChange={(event) => setWanted(event.target.value)}
        />
      )}
      {isPending && <p className="filter-note">Looking…</p>}
      {error && <p className="filter-note">{error.message}</p>}
      {data && shown.length === 0 && <p className="filter-note">Nothing yet.</p>}
      <div className="filter-values">
        {shown.slice(0, SHOWN).map(({ value, count: records }) => (
          <label key={value} className="filter-value">
            <input
              type="checkbox"
              checked={chosen.includes(value)}
              onChange={(event) => toggle(value, event.target.checked)}
            />
            <span className="filter-name">{nameOf(column, value)}</span>
            <span className="filter-count">{records === null ? "" : count(records)}</span>
          </label>
        ))}
      </div>
      {chosen.length > 0 && (
        <button type="button" className="button is-small" onClick={() => onChoose([])}>
          Clear
        </button>
      )}
    </fieldset>
  );
}

function summary(column: string, chosen: readonly string[]): string {
  const [first = "", ...others] = chosen;
  const name = nameOf(column, first);
  return others.length > 0 ? `${name} +${others.length}` : name;
}

function nameOf(column: string, value: string): string {
  if (value === "") return "none";
  return column === "outcome" ? words(value) : value;
}
