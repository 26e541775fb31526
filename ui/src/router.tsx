/** The address is the state: a small router over the browser's history. */
import { useSyncExternalStore, type AnchorHTMLAttributes, type MouseEvent } from "react";

const CHANGED = "streamgauge:navigated";
const CAME_FROM_HERE = { isOurs: true };

export function navigate(to: string, options: { replace?: boolean } = {}): void {
  if (to === here()) return;
  if (options.replace) history.replaceState(history.state, "", to);
  else history.pushState(CAME_FROM_HERE, "", to);
  dispatchEvent(new Event(CHANGED));
}

/** Where one came from, as the browser's own "back"; the list, for who came from elsewhere. */
export function goBack(): void {
  const state = history.state as typeof CAME_FROM_HERE | null;
  if (state?.isOurs) history.back();
  else navigate("/");
}

/** Where we are: path and search, as one stable string. */
export function useAddress(): URL {
  return new URL(useSyncExternalStore(subscribe, here), location.origin);
}

/** A real link, so that a new tab and the status bar work; a plain click stays in the page. */
export function Link({
  href,
  isBack = false,
  children,
  ...rest
}: AnchorHTMLAttributes<HTMLAnchorElement> & { href: string; isBack?: boolean }) {
  const follow = (event: MouseEvent) => {
    const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey;
    if (!isPlain || event.altKey) return;
    event.preventDefault();
    if (isBack) {
      goBack();
    } else {
      navigate(href);
      scrollTo(0, 0);
    }
  };
  return (
    <a href={href} {...rest} onClick={follow}>
      {children}
    </a>
  );
}

function here(): string {
  return location.pathname + location.search;
}

function subscribe(notify: () => void): () => void {
  addEventListener("popstate", notify);
  addEventListener(CHANGED, notify);
  return () => {
    removeEventListener("popstate", notify);
    removeEventListener(CHANGED, notify);
  };
}
