import { useState } from "react";

import { applyTheme, readTheme, THEMES, type Theme } from "../theme";

const ICONS: Record<Theme, string> = {
  auto: "M8 2a6 6 0 0 0 0 12z",
  light: "M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6M8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1",
  dark: "M13.5 9.5A5.8 5.8 0 0 1 6.5 2.5a5.8 5.8 0 1 0 7 7z",
};

/** One button through the three: as the system says, light, dark. */
export function ThemeToggle() {
  const [theme, setTheme] = useState(readTheme);
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "auto";
  const change = () => {
    applyTheme(next);
    setTheme(next);
  };
  return (
    <button
      type="button"
      className="button is-bare is-icon"
      title={`Theme: ${theme}`}
      aria-label={`Theme: ${theme}. Change to ${next}`}
      onClick={change}
    >
      <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
        {theme === "auto" && <circle cx="8" cy="8" r="6" fill="none" stroke="currentColor" />}
        <path
          d={ICONS[theme]}
          fill={theme === "auto" ? "currentColor" : "none"}
          stroke="currentColor"
          strokeWidth="1.4"
          strokeLinecap="round"
          strokeLinejoin="round"
        />
      </svg>
    </button>
  );
}
