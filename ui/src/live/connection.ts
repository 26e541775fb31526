/**
 * The one connection to /api/v1/live that all views share.
 *
 * It opens with the first watcher and closes with the last. Events are gathered for a moment
 * before the views hear of them: 500 open streams make some 2,000 events a second, and nobody
 * reads faster than this.
 */
import { NOTHING_YET, reduce, type LiveEvent, type LiveState } from "./live";

export type LiveStatus = "connecting" | "live" | "lost";

export interface LiveView extends LiveState {
  status: LiveStatus;
}

const GATHER_MS = 100;
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 10_000;
const EVENTS = ["opened", "progress", "closed"] as const;

export class LiveConnection {
  #view: LiveView = { ...NOTHING_YET, status: "connecting" };
  readonly #watchers = new Set<() => void>();
  #source: EventSource | null = null;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #retryMs = FIRST_RETRY_MS;
  #gathered: LiveEvent[] = [];
  #gathering: ReturnType<typeof setTimeout> | undefined;

  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  readonly view = (): LiveView => this.#view;

  readonly subscribe = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher);
    if (this.#watchers.size === 1) this.#connect();
    return () => {
      this.#watchers.delete(watcher);
      if (this.#watchers.size === 0) this.#disconnect();
    };
  };

  #connect(): void {
    const source = new EventSource(this.#url);
    this.#source = source;
    source.onopen = () => {
      this.#retryMs = FIRST_RETRY_MS;
      this.#gather({ type: "connected" });
      this.#setStatus("live");
    };
    for (const type of EVENTS) {
      source.addEventListener(type, (message: MessageEvent<string>) => {
        this.#gather({ type, data: JSON.parse(message.data) as never });
      });
    }
    // "lagged": we were too slow and the server let go. To come back is the remedy for both.
    source.addEventListener("lagged", () => this.#comeBack());
    source.onerror = () => this.#comeBack();
  }

  #comeBack(): void {
    this.#disconnect();
    this.#setStatus("lost");
    this.#retry = setTimeout(() => this.#connect(), this.#retryMs);
    this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
  }

  #disconnect(): void {
    clearTimeout(this.#retry);
    this.#source?.close();
    this.#source = null;
  }

  #gather(event: LiveEvent): void {
    this.#gathered.push(event);
    if (this.#gathering === undefined) {
      this.#gathering = setTimeout(() => this.#tell(), GATHER_MS);
    }
  }

  #tell(): void {
    const events = this.#gathered;
    this.#gathered = [];
    this.#gathering = undefined;
    const clocks = { now: performance.now(), wall: Date.now() };
    this.#set({ ...reduce(this.#view, events, clocks), status: this.#view.status });
  }

  #setStatus(status: LiveStatus): void {
    if (status !== this.#view.status) this.#set({ ...this.#view, status });
  }

  #set(view: LiveView): void {
    this.#view = view;
    for (const watcher of this.#watchers) watcher();
  }
}
