import { Suspense, useEffect, useRef } from "react";

import { Amiss } from "./health/amiss";
import { useAccess } from "./keys/access";
import { SignInPage } from "./keys/sign-in";
import { useLive } from "./live/use-live";
import { Boundary } from "./parts/boundary";
import { Snippets } from "./parts/connect";
import { Keys } from "./parts/keys";
import { later } from "./parts/later";
import { ThemeToggle } from "./parts/theme-toggle";
import { isTyping } from "./records/use-list-keys";
import { Link, navigate, useAddress } from "./router";
import { VIEWS, viewOf } from "./views";

const RecordPage = later(() => import("./record/record-page").then((m) => m.RecordPage));

const RECORD_PATH = /^\/records\/([^/]+)$/;

/** The page, or what stands before it where the server has keys. */
export function App() {
  const { access, isPending } = useAccess();
  if (isPending) return <Loading />;
  // Where nobody answers, the views say so.
  return access === undefined || access.scopes.includes("read") ? <Views /> : <SignInPage access={access} />;
}

function Views() {
  const { pathname, search } = useAddress();
  const id = RECORD_PATH.exec(pathname)?.[1];
  const { view, rest } = viewOf(pathname);
  useGoKeys();
  return (
    <>
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <Header current={view.path} />
      {/* The view of health says it at length. */}
      {view.path !== "/health" && <Amiss />}
      <div id="main">
        <Boundary key={pathname}>
          <Suspense fallback={<Loading />}>
            {id === undefined ? (
              <view.Page search={search} rest={rest} />
            ) : (
              <RecordPage id={decodeURIComponent(id)} />
            )}
          </Suspense>
        </Boundary>
      </div>
    </>
  );
}

function Loading() {
  return (
    <main className="page">
      <p className="muted" role="status">
        Loading…
      </p>
    </main>
  );
}

function Header({ current }: { current: string }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const views = useRef<HTMLElement>(null);
  // On a phone not all of them fit: the current one is to be seen.
  useEffect(() => {
    const nav = views.current;
    const link = nav?.querySelector<HTMLElement>("[aria-current]");
    if (!nav || !link) return;
    nav.scrollLeft = link.offsetLeft - nav.offsetLeft - (nav.clientWidth - link.offsetWidth) / 2;
  }, [current]);
  return (
    <header className="header">
      <Link href="/" className="brand">
        <Mark />
        <span className="brand-name">Streamgauge</span>
      </Link>
      <nav className="views" aria-label="Views" ref={views}>
        {VIEWS.map(({ path, label }) => (
          <Link key={path} href={path} aria-current={path === current ? "page" : undefined}>
            {label}
          </Link>
        ))}
      </nav>
      <div className="header-tools">
        <LiveStatus />
        <button type="button" className="button is-bare" onClick={() => dialog.current?.showModal()}>
          <span>
            Connect<span className="at-width"> a client</span>
          </span>
        </button>
        <Keys />
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

const STATUS_WORDS = { connecting: "Connecting", live: "Connected", lost: "Connection lost, retrying" };

function LiveStatus() {
  const { status } = useLive();
  const { refetch } = useAccess();
  // An event source does not tell why it was turned away.
  useEffect(() => {
    if (status === "lost") void refetch();
  }, [status, refetch]);
  return (
    <span className="live-status" data-status={status} role="status" title={STATUS_WORDS[status]}>
      <span className="live-dot" aria-hidden="true" />
      <span className={status === "live" ? "visually-hidden" : undefined}>{STATUS_WORDS[status]}</span>
    </span>
  );
}

// How long after `g` the letter of a view may come.
const GO_MS = 1200;

/** `g` and a view's letter go to that view. */
function useGoKeys(): void {
  useEffect(() => {
    let goneAt = -Infinity;
    const press = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      const view = VIEWS.find((one) => one.letter === event.key);
      if (event.key === "g") {
        goneAt = event.timeStamp;
      } else if (view !== undefined && event.timeStamp - goneAt < GO_MS) {
        goneAt = -Infinity;
        event.preventDefault();
        navigate(view.path);
        scrollTo(0, 0);
      }
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);
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
