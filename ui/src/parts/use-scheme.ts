import { useSyncExternalStore } from "react";

const DARK = "(prefers-color-scheme: dark)";

/** What the colours hang on: the chosen theme, and the system's where none is chosen. */
export function useScheme(): string {
  return useSyncExternalStore(subscribe, read);
}

function read(): string {
  const theme = document.documentElement.dataset["theme"] ?? "auto";
  return `${theme} ${matchMedia(DARK).matches ? "dark" : "light"}`;
}

function subscribe(notify: () => void): () => void {
  const system = matchMedia(DARK);
  const chosen = new MutationObserver(notify);
  system.addEventListener("change", notify);
  chosen.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  return () => {
    system.removeEventListener("change", notify);
    chosen.disconnect();
  };
}
