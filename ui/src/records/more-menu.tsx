import { useState, type SubmitEvent } from "react";

import type { Filter } from "./filters";
import { Menu } from "./menu";

interface Measure {
  label: string;
  /** The column; null for a property, whose name is asked for. */
  column: string | null;
  /** What a number is given in, and how many of the column's own units that is; a text has none. */
  unit?: readonly [name: string, size: number];
}

const MEASURES: readonly Measure[] = [
  { label: "Time to first token", column: "ttft_ms", unit: ["ms", 1] },
  { label: "Longest gap", column: "max_gap_ms", unit: ["s", 1000] },
  { label: "Duration", column: "duration_ms", unit: ["s", 1000] },
  { label: "Cost", column: "cost_usd", unit: ["USD", 1] },
  { label: "Output tokens", column: "output_tokens", unit: ["tokens", 1] },
  { label: "Input tokens", column: "input_tokens", unit: ["tokens", 1] },
  { label: "Session", column: "session_id" },
  { label: "Property", column: null },
];

const BOUNDS = { gte: "at least", lte: "at most" } as const;

/** Filters without a list of values: bounds of a number, a session, a property. */
export function MoreMenu({ onAdd }: { onAdd: (filter: Filter) => void }) {
  return (
    <Menu label="More">
      {({ id, close }) => (
        <Form
          id={id}
          onAdd={(filter) => {
            onAdd(filter);
            close();
          }}
        />
      )}
    </Menu>
  );
}

function Form({ id, onAdd }: { id: string; onAdd: (filter: Filter) => void }) {
  const [chosen, setChosen] = useState(0);
  const { column, unit } = MEASURES[chosen] ?? {};
  const add = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const said = new FormData(event.currentTarget);
    const text = (name: string) => {
      const value = said.get(name);
      return typeof value === "string" ? value.trim() : "";
    };
    if (unit !== undefined && column != null) {
      onAdd([`${column}.${text("bound")}`, String(Number((Number(text("value")) * unit[1]).toPrecision(12)))]);
    } else {
      onAdd([column ?? `property.${text("name")}`, text("value")]);
    }
  };
  return (
    <form className="filter-panel filter-more" id={id} aria-label="More filters" onSubmit={add}>
      <label>
        What
        <select
          className="field"
          // It opened this moment, by a key or a click on its button.
          // eslint-disable-next-line jsx-a11y/no-autofocus
          autoFocus
          value={chosen}
          onChange={(event) => setChosen(Number(event.target.value))}
        >
          {MEASURES.map(({ label }, number) => (
            <option key={label} value={number}>
              {label}
            </option>
          ))}
        </select>
      </label>
      {unit !== undefined && (
        <label>
          Bound
          <select className="field" name="bound">
            {Object.entries(BOUNDS).map(([bound, words]) => (
              <option key={bound} value={bound}>
                {words}
              </option>
            ))}
          </select>
        </label>
      )}
      {column === null && (
        <label>
          Name
          <input className="field" name="name" required />
        </label>
      )}
      <label>
        {unit === undefined ? "Value" : `Value in ${unit[0]}`}
        <input
          className="field"
          name="value"
          required
          {...(unit === undefined ? {} : { type: "number", min: 0, step: "any", inputMode: "decimal" as const })}
        />
      </label>
      <button type="submit" className="button">
        Add
      </button>
    </form>
  );
}
