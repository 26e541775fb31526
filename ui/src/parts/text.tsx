import { useState } from "react";

import { count } from "../format";

// What people said and models answered is shown as text, never as HTML. A browser lays out
// this many characters at once without a hitch; the rest comes on demand.
const SHOWN = 60_000;

export function Text({ children }: { children: string }) {
  const [isWhole, setWhole] = useState(false);
  const isLong = children.length > SHOWN && !isWhole;
  return (
    <div className="prose" dir="auto">
      {isLong ? children.slice(0, SHOWN) : children}
      {isLong && (
        <button type="button" className="button is-small" onClick={() => setWhole(true)}>
          Show all {count(children.length)} characters
        </button>
      )}
    </div>
  );
}
