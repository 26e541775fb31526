import { useEffect, useState } from "react";

/** A button that puts *text* on the clipboard and says so for a moment. */
export function Copy({ text, label = "Copy" }: { text: string; label?: string }) {
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return undefined;
    const timer = setTimeout(() => setCopied(false), 1600);
    return () => clearTimeout(timer);
  }, [isCopied]);
  // Absent outside of secure contexts (plain HTTP on another host).
  if (!("clipboard" in navigator)) return null;
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
  };
  return (
    <button type="button" className="button is-small" onClick={() => void copy()}>
      <span aria-live="polite">{isCopied ? "Copied" : label}</span>
    </button>
  );
}
