import { useEffect, useRef, type RefObject } from "react";

// The record one came from, so that "back" finds its place again.
let lastOpened: string | null = null;

export function rememberOpened(id: string): void {
  lastOpened = id;
}

/** The record one came from, told once. */
export function takeOpened(): string | null {
  const id = lastOpened;
  lastOpened = null;
  return id;
}

/** `/` goes to the search field, from anywhere on the list page. */
export function useSearchKey(root: RefObject<HTMLElement | null>): void {
  useKey("/", () => root.current?.querySelector<HTMLElement>("#search")?.focus());
}

/** `j` goes into the rows, from anywhere outside of them. */
export function useIntoRows(table: RefObject<HTMLElement | null>, enter: () => void): void {
  useKey("j", () => {
    if (table.current?.contains(document.activeElement)) return false;
    enter();
    return true;
  });
}

/** *act* answers false where the key is somebody else's. */
function useKey(key: string, act: () => unknown): void {
  const latest = useRef(act);
  useEffect(() => {
    latest.current = act;
  });
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.key !== key || event.ctrlKey || event.metaKey || event.altKey) return;
      if (!isTyping(event.target) && latest.current() !== false) event.preventDefault();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [key]);
}

export function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches("input, textarea, select, [contenteditable]");
}
