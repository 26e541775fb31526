import { useEffect, type RefObject } from "react";

// The record one came from, so that "back" finds its place again.
let lastOpened: string | null = null;

export function rememberOpened(id: string): void {
  lastOpened = id;
}

/** Keys that work anywhere on the list page: `/` to the search field, j and k into the rows. */
export function useListKeys(root: RefObject<HTMLElement | null>, hasRows: boolean): void {
  useEffect(() => {
    if (!hasRows || lastOpened === null) return;
    root.current?.querySelector<HTMLElement>(`tr[data-id="${CSS.escape(lastOpened)}"] a`)?.focus();
    lastOpened = null;
  }, [root, hasRows]);

  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if (event.key === "/") {
        event.preventDefault();
        root.current?.querySelector<HTMLElement>("#search")?.focus();
      } else if (event.key === "j" && !root.current?.querySelector("table")?.contains(document.activeElement)) {
        event.preventDefault();
        root.current?.querySelector<HTMLElement>("a.row-link")?.focus();
      }
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [root]);
}

export function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches("input, textarea, select, [contenteditable]");
}
