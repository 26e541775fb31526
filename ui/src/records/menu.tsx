import { useId, useRef, useState, type KeyboardEvent, type ReactNode } from "react";

import { useOutside } from "./use-outside";

interface Props {
  label: string;
  /** What was chosen in it, in short. */
  chosen?: ReactNode;
  /** A button like its neighbours, without the sign of a list. */
  isPlain?: boolean;
  children: (panel: { id: string; close: () => void }) => ReactNode;
}

/** A button that opens a panel. Escape closes it and gives the focus back. */
export function Menu({ label, chosen, isPlain = false, children }: Props) {
  const [isOpen, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const id = useId();
  useOutside(root, isOpen, () => setOpen(false));

  const close = () => {
    setOpen(false);
    document.getElementById(`${id}button`)?.focus();
  };
  const closeOnEscape = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || !isOpen) return;
    event.stopPropagation();
    close();
  };

  return (
    // The menu's own keys bubble up to here; the box itself is nothing to press.
    // eslint-disable-next-line jsx-a11y/no-static-element-interactions
    <div className="filter" ref={root} onKeyDown={closeOnEscape}>
      <button
        type="button"
        id={`${id}button`}
        className={isPlain ? "button" : "button filter-button"}
        aria-expanded={isOpen}
        aria-controls={isOpen ? id : undefined}
        data-active={chosen !== undefined || undefined}
        onClick={() => setOpen(!isOpen)}
      >
        {label}
        {chosen !== undefined && <span className="filter-chosen">{chosen}</span>}
        {!isPlain && (
          <svg className="chevron" viewBox="0 0 10 6" width="9" height="6" aria-hidden="true">
            <path d="M1 1l4 4 4-4" fill="none" stroke="currentColor" strokeWidth="1.5" />
          </svg>
        )}
      </button>
      {isOpen && children({ id, close })}
    </div>
  );
}
