import { useRef } from "react";

import { useLive } from "./live/use-live";
import { Snippets } from "./parts/connect";
import { ThemeToggle } from "./parts/theme-toggle";
import { RecordPage } from "./record/record-page";
import { RecordsPage } from "./records/records-page";
import { Link, useAddress } from "./router";

const RECORD_PATH = /^\/records\/([^/]+)$/;

export function App() {
  const { pathname, search } = useAddress();
  const id = RECORD_PATH.exec(pathname)?.[1];
  return (
    <>
      <Header />
      {id === undefined ? (
        <RecordsPage search={search} />
      ) : (
        <RecordPage key={id} id={decodeURIComponent(id)} />
      )}
    </>
  );
}

function Header() {
  const dialog = useRef<HTMLDialogElement>(null);
  return (
    <header className="header">
      <Link href="/" className="brand">
        <Mark />
        Streamgauge
      </Link>
      <LiveStatus />
      <div className="header-tools">
        <button type="button" className="button is-bare" onClick={() => dialog.current?.showModal()}>
          <span>
            Connect<span className="at-width"> a client</span>
          </span>
        </button>
        <ThemeToggle />
      </div>
      <dialog ref={dialog} className="connect-dialog" aria-labelledby="connect-title">
        <header>
          <h2 id="connect-title">Point a client here</h2>
          <button type="button" className="button" onClick={() => dialog.current?.close()}>
            Close
          </button>
        </header>
        <Snippets />
      </dialog>
    </header>
  );
}

const STATUS_WORDS = { connecting: "Connecting", live: "Live", lost: "Connection lost, retrying" };

function LiveStatus() {
  const { status } = useLive();
  return (
    <span className="live-status" data-status={status} role="status">
      <span className="live-dot" aria-hidden="true" />
      {STATUS_WORDS[status]}
    </span>
  );
}

function Mark() {
  return (
    <svg viewBox="0 0 26 20" width="26" height="20" aria-hidden="true">
      <g stroke="currentColor" strokeWidth="2.6" strokeLinecap="round">
        <path d="M3 11v4M8 6v9M13 3v12M18 8v7" />
        <path className="brand-tip" d="M23 10v5" />
      </g>
    </svg>
  );
}
