import { useEffect, useRef, useState } from "react";

import { FROM, TO } from "../parts/range";
import { FilterMenu } from "./filter-menu";
import { MoreMenu } from "./more-menu";
import { describe, MENUS, valuesOf, withValues, without, type Filter } from "./filters";
import "./filters.css";

// Long enough that a word is typed before the store is asked.
const TYPING_MS = 300;

const HAVE_CONTROLS = new Set<string>(["q", FROM, TO, ...MENUS.map(({ column }) => column)]);

interface Props {
  filters: readonly Filter[];
  onChange: (filters: readonly Filter[]) => void;
}

export function FilterBar({ filters, onChange }: Props) {
  const others = filters.filter(([name]) => !HAVE_CONTROLS.has(name));
  return (
    <search className="filters">
      <SearchField
        value={valuesOf(filters, "q")[0] ?? ""}
        onSearch={(text) => onChange(withValues(filters, "q", text ? [text] : []))}
      />
      {MENUS.map(({ column, label }) => (
        <FilterMenu
          key={column}
          column={column}
          label={label}
          chosen={valuesOf(filters, column)}
          onChoose={(values) => onChange(withValues(filters, column, values))}
        />
      ))}
      <MoreMenu onAdd={(filter) => onChange([...without(filters, filter), filter])} />
      {others.map((filter) => (
        <button
          key={filter.join("=")}
          type="button"
          className="button chip"
          onClick={() => onChange(without(filters, filter))}
        >
          {describe(filter)}
          <span aria-hidden="true">×</span>
          <span className="visually-hidden">, remove</span>
        </button>
      ))}
      {filters.length > 0 && (
        <button type="button" className="button is-bare" onClick={() => onChange([])}>
          Clear all
        </button>
      )}
    </search>
  );
}

function SearchField({ value, onSearch }: { value: string; onSearch: (text: string) => void }) {
  const [typed, setTyped] = useState(value);
  // The address is the truth: "back" and "clear all" change it behind our back.
  const [known, setKnown] = useState(value);
  if (known !== value) {
    setKnown(value);
    setTyped(value);
  }
  const latest = useRef(onSearch);
  useEffect(() => {
    latest.current = onSearch;
  });
  useEffect(() => {
    if (typed.trim() === value) return undefined;
    const timer = setTimeout(() => latest.current(typed.trim()), TYPING_MS);
    return () => clearTimeout(timer);
  }, [typed, value]);
  return (
    <input
      type="search"
      id="search"
      className="field filters-search"
      placeholder="Search requests and replies"
      aria-label="Search requests and replies"
      aria-keyshortcuts="/"
      value={typed}
      onChange={(event) => setTyped(event.target.value)}
    />
  );
}
