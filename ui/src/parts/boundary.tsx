import { Component, type ReactNode } from "react";

import { Problem } from "./problem";

interface State {
  error: Error | null;
}

/**
 * One view that fails says so, and leaves the rest of the page alone.
 *
 * To try again loads all of it: the address holds what the view shows, and where its code could
 * not be had, the server may have another version by now.
 */
export class Boundary extends Component<{ children: ReactNode }, State> {
  override state: State = { error: null };

  static getDerivedStateFromError(error: unknown): State {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (error === null) return this.props.children;
    return (
      <main className="page">
        <Problem error={error} onRetry={() => location.reload()} />
      </main>
    );
  }
}
