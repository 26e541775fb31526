import { useEffect, useState, type SyntheticEvent } from "react";

import type { Access } from "../api/types";
import { ThemeToggle } from "../parts/theme-toggle";
import { listed, useSession } from "./access";
import "./keys.css";

/** In place of the page, where this browser has no key, or one that may not read. */
export function SignInPage({ access }: { access: Access }) {
  useEffect(() => {
    document.title = "Sign in · Streamgauge";
  }, []);
  return (
    <main className="page sign-in-page">
      <div className="sign-in-head">
        <h1>Streamgauge</h1>
        <ThemeToggle />
      </div>
      {access.name === null ? (
        <p>This server has API keys. To look around, sign in with one that has the scope read.</p>
      ) : (
        <TooSmall access={access} needed="read" />
      )}
      <SignIn />
      <p className="muted">
        On the server, <code>streamgauge keys create --name me --scope read</code> makes one.
      </p>
      {access.name !== null && <SignOut />}
    </main>
  );
}

/** What is missing, and that another key has it. */
export function TooSmall({ access, needed }: { access: Access; needed: string }) {
  return (
    <p role="status">
      This takes a key with the scope {needed}. Yours, <b>{access.name}</b>, has {listed(access.scopes)}.
    </p>
  );
}

/** Asks for a key, and keeps it in a cookie that no script can read. */
export function SignIn() {
  const session = useSession();
  const [key, setKey] = useState("");
  const [problem, setProblem] = useState("");
  const submit = async (event: SyntheticEvent) => {
    event.preventDefault();
    setProblem("");
    try {
      await session.signIn(key);
    } catch (error) {
      setProblem((error as Error).message);
    }
  };
  return (
    <form className="key-form" onSubmit={(event) => void submit(event)}>
      <label className="key-field">
        <span>API key</span>
        <input
          className="field"
          type="password"
          autoComplete="current-password"
          spellCheck={false}
          placeholder="sg-…"
          required
          value={key}
          aria-describedby={problem === "" ? undefined : "sign-in-problem"}
          onChange={(event) => setKey(event.target.value)}
        />
      </label>
      <button type="submit" className="button is-primary">
        Sign in
      </button>
      {problem !== "" && (
        <p id="sign-in-problem" className="key-problem" role="alert">
          {problem}
        </p>
      )}
    </form>
  );
}

export function SignOut() {
  const session = useSession();
  const [problem, setProblem] = useState("");
  const leave = () => session.signOut().catch((error: unknown) => setProblem((error as Error).message));
  return (
    <>
      <button type="button" className="button" onClick={() => void leave()}>
        Sign out
      </button>
      {problem !== "" && <span role="alert">{problem}</span>}
    </>
  );
}
