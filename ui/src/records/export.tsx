import { Menu } from "./menu";

const FORMS = [
  { form: "csv", label: "CSV", what: "for a spreadsheet" },
  { form: "jsonl", label: "JSON lines", what: "one record a line" },
  { form: "parquet", label: "Parquet", what: "for DuckDB, pandas" },
] as const;

/** The selection as a file. *query*: its filters and order, as the API is asked by now. */
export function Export({ query }: { query: () => URLSearchParams }) {
  const addressOf = (form: string) => {
    const asked = query();
    asked.set("format", form);
    return `/api/v1/records/export?${asked.toString()}`;
  };
  return (
    <Menu label="Export" isPlain>
      {({ id, close }) => (
        <div className="filter-panel export-forms" id={id}>
          {FORMS.map(({ form, label, what }) => (
            <a key={form} href={addressOf(form)} download onClick={close}>
              {label} <span>{what}</span>
            </a>
          ))}
        </div>
      )}
    </Menu>
  );
}
