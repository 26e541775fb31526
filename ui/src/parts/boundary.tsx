import { Component, type ReactNode } from "react";

import { Problem } from "./problem";

interface State {
  error: Error | null;
}

/** One view that fails says so, and leaves the rest of the page alone. */
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
        <Problem error={error} onRetry={() => this.setState({ error: null })} />
      </main>
    );
  }
}
