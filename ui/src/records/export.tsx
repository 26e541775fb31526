import { useId, useRef, useState, type KeyboardEvent } from "react";

import { useOutside } from "./use-outside";

const FORMS = [
  { form: "csv", label: "CSV", what: "for a spreadsheet" },
  { form: "jsonl", label: "JSON lines", what: "one record a line" },
  { form: "parquet", label: "Parquet", what: "for DuckDB, pandas" },
] as const;

/** The selection as a file. *query*: its filters and order, as the API is asked by now. */
export function Export({ query }: { query: () => URLSearchParams }) {
  const [isOpen, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const panelId = useId();
  useOutside(root, isOpen, () => setOpen(false));

  const closeOnEscape = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || !isOpen) return;
    event.stopPropagation();
    setOpen(false);
    button.current?.focus();
  };
  const addressOf = (form: string) => {
    const asked = query();
    asked.set("format", form);
    return `/api/v1/records/export?${asked.toString()}`;
  };

  return (
    // The menu's own keys bubble up to here; the box itself is nothing to press.
    // eslint-disable-next-line jsx-a11y/no-static-element-interactions
    <div className="filter" ref={root} onKeyDown={closeOnEscape}>
      <button
        type="button"
        ref={button}
        className="button"
        aria-expanded={isOpen}
        aria-controls={isOpen ? panelId : undefined}
        onClick={() => setOpen(!isOpen)}
      >
        Export
      </button>
      {isOpen && (
        <div className="filter-panel export-forms" id={panelId}>
          {FORMS.map(({ form, label, what }) => (
            <a key={form} href={addressOf(form)} download onClick={() => setOpen(false)}>
              {label} <span>{what}</span>
            </a>
          ))}
        </div>
      )}
    </div>
  );
}
