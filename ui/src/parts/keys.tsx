import { useEffect, useRef } from "react";

import { isTyping } from "../records/use-list-keys";
import { VIEWS } from "../views";
import "./keys.css";

const OTHERS: readonly [keys: readonly string[], what: string][] = [
  [["j", "k"], "next and previous row"],
  [["Enter"], "open the row"],
  [["Esc"], "back to the list"],
  [["/"], "search"],
  [["Space"], "play or pause a stream"],
  [["?"], "this list"],
];

/** The keys of the page, on `?` or by the button. */
export function Keys() {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.key !== "?" || isTyping(event.target)) return;
      if (!dialog.current?.open) dialog.current?.showModal();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);
  return (
    <>
      <button
        type="button"
        className="button is-bare is-icon keys-button"
        aria-label="Keyboard shortcuts"
        title="Keyboard shortcuts"
        onClick={() => dialog.current?.showModal()}
      >
        ?
      </button>
      <dialog ref={dialog} className="connect-dialog keys-dialog" aria-labelledby="keys-title">
        <header>
          <h2 id="keys-title">Keyboard shortcuts</h2>
          <button type="button" className="button" onClick={() => dialog.current?.close()}>
            Close
          </button>
        </header>
        <dl>
          {VIEWS.map(({ letter, label }) => (
            <Row key={letter} keys={["g", letter]} what={label} />
          ))}
          {OTHERS.map(([keys, what]) => (
            <Row key={what} keys={keys} what={what} />
          ))}
        </dl>
      </dialog>
    </>
  );
}

function Row({ keys, what }: { keys: readonly string[]; what: string }) {
  return (
    <div>
      <dt>
        {keys.map((key) => (
          <kbd key={key}>{key}</kbd>
        ))}
      </dt>
      <dd>{what}</dd>
    </div>
  );
}
