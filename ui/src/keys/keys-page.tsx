import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState, type SyntheticEvent } from "react";

import { ask, createKey, revokeKey } from "../api/client";
import type { Access, ApiKey, NewKey, Scope } from "../api/types";
import { fullTime, moment } from "../format";
import { Copy } from "../parts/copy";
import { Problem } from "../parts/problem";
import { SCOPES, useAccess, useSession } from "./access";
import { SignIn, SignOut, TooSmall } from "./sign-in";
import "./keys.css";

const KEYS = ["keys"];

/** Who may log, read and manage: make keys, and end them. */
export function KeysPage() {
  const { access } = useAccess();
  useEffect(() => {
    document.title = "Keys · Streamgauge";
  }, []);
  return (
    <main className="page keys-page">
      <div className="keys-head">
        <h1>Keys</h1>
        {access?.name != null && (
          <p className="keys-mine">
            Signed in as <b>{access.name}</b> <SignOut />
          </p>
        )}
      </div>
      {access === undefined ? null : access.scopes.includes("admin") ? (
        <Managed access={access} />
      ) : (
        <>
          <TooSmall access={access} needed="admin" />
          <SignIn />
        </>
      )}
    </main>
  );
}

function Managed({ access }: { access: Access }) {
  const [made, setMade] = useState<NewKey | null>(null);
  const { data, error, isPending, refetch } = useQuery({
    queryKey: KEYS,
    queryFn: ({ signal }) => ask("/api/v1/keys", { signal }),
  });
  return (
    <>
      {!access.has_keys && (
        <p className="lead">
          There are no keys: whoever reaches this server may do everything. With the first one, log
          calls, the API and this page need a key. Requests to providers go on as before.
        </p>
      )}
      {made !== null && <Secret made={made} onDone={() => setMade(null)} />}
      <Create isFirst={!access.has_keys} onMade={setMade} />
      {error && <Problem error={error} onRetry={() => void refetch()} />}
      {isPending && <p className="muted">Loading…</p>}
      {data !== undefined && data.keys.length > 0 && <Table keys={data.keys} mine={access.id} />}
    </>
  );
}

/** The key that was just made. Nobody can show it again, so it stays until it is sent away. */
function Secret({ made, onDone }: { made: NewKey; onDone: () => void }) {
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => title.current?.focus(), [made]);
  return (
    <section className="panel key-secret" aria-labelledby="key-secret-title">
      <h2 id="key-secret-title" ref={title} tabIndex={-1}>
        The key {made.name}
      </h2>
      <p>Copy it now: it is kept as a hash only, and cannot be shown again.</p>
      <div className="key-secret-line">
        <code className="key-secret-text">{made.key}</code>
        <Copy text={made.key} />
        <button type="button" className="button is-small" onClick={onDone}>
          Done
        </button>
      </div>
    </section>
  );
}

/** The first key is an admin's, or nobody could make a second one here. */
function Create({ isFirst, onMade }: { isFirst: boolean; onMade: (made: NewKey) => void }) {
  const client = useQueryClient();
  const session = useSession();
  const [name, setName] = useState(isFirst ? "admin" : "");
  const [chosen, setChosen] = useState<readonly Scope[]>([]);
  const [problem, setProblem] = useState("");
  const toggle = (scope: Scope) =>
    setChosen((before) => (before.includes(scope) ? before.filter((one) => one !== scope) : [...before, scope]));
  const submit = async (event: SyntheticEvent) => {
    event.preventDefault();
    setProblem("");
    try {
      const made = await createKey(name, isFirst ? ["admin"] : chosen);
      onMade(made);
      setName("");
      setChosen([]);
      // From here on this very page needs it.
      if (isFirst) await session.signIn(made.key);
      await client.invalidateQueries({ queryKey: KEYS });
    } catch (error) {
      setProblem((error as Error).message);
    }
  };
  return (
    <form className="panel key-create" aria-labelledby="key-create-title" onSubmit={(event) => void submit(event)}>
      <h2 id="key-create-title">{isFirst ? "The first key" : "A new key"}</h2>
      <label className="key-field">
        <span>Name</span>
        <input
          className="field"
          required
          maxLength={100}
          autoComplete="off"
          placeholder="What it is for"
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
      </label>
      <fieldset className="key-scopes">
        <legend>Scopes</legend>
        {(Object.keys(SCOPES) as Scope[]).map((scope) => (
          <label key={scope}>
            <input
              type="checkbox"
              disabled={isFirst}
              checked={isFirst ? scope === "admin" : chosen.includes(scope)}
              onChange={() => toggle(scope)}
            />
            <b>{scope}</b>
            <span className="muted">{SCOPES[scope]}</span>
          </label>
        ))}
      </fieldset>
      <div className="key-create-end">
        <button type="submit" className="button is-primary" disabled={!isFirst && chosen.length === 0}>
          Create key
        </button>
        {problem !== "" && (
          <p className="key-problem" role="alert">
            {problem}
          </p>
        )}
      </div>
    </form>
  );
}

function Table({ keys, mine }: { keys: readonly ApiKey[]; mine: string | null }) {
  return (
    <div className="panel keys-panel">
      <table className="keys-table">
        <caption className="visually-hidden">All keys, the latest first</caption>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Scopes</th>
            <th scope="col" data-min="small">
              Id
            </th>
            <th scope="col" data-min="medium">
              Created
            </th>
            <th scope="col">State</th>
          </tr>
        </thead>
        <tbody>
          {keys.toReversed().map((key) => (
            <tr key={key.id} data-id={key.id} className={key.revoked_at === null ? undefined : "is-revoked"}>
              <th scope="row">
                {key.name}
                {key.id === mine && <span className="key-tag">this browser’s</span>}
              </th>
              <td>
                {key.scopes.map((scope) => (
                  <span key={scope} className="key-tag">
                    {scope}
                  </span>
                ))}
              </td>
              <td data-min="small">
                <code>{key.id}</code>
              </td>
              <td data-min="medium">
                <time dateTime={key.created_at} title={fullTime(key.created_at)}>
                  {moment(key.created_at)}
                </time>
              </td>
              <td>
                {key.revoked_at === null ? (
                  <Revoke id={key.id} name={key.name} isMine={key.id === mine} />
                ) : (
                  <time dateTime={key.revoked_at} title={fullTime(key.revoked_at)}>
                    revoked {moment(key.revoked_at)}
                  </time>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Ends a key. Asks before: nobody can have it back. */
function Revoke({ id, name, isMine }: { id: string; name: string; isMine: boolean }) {
  const client = useQueryClient();
  const [isAsking, setAsking] = useState(false);
  const [problem, setProblem] = useState("");
  const revoke = async () => {
    setAsking(false);
    setProblem("");
    try {
      await revokeKey(id);
      await client.invalidateQueries({ queryKey: KEYS });
    } catch (error) {
      setProblem((error as Error).message);
    }
  };
  const keep = (event: { key: string }) => event.key === "Escape" && setAsking(false);
  return (
    // eslint-disable-next-line jsx-a11y/no-static-element-interactions -- Esc closes the question
    <div className="key-revoke" onKeyDown={keep}>
      {/* The same button asks and does, so that the focus stays where it is. */}
      <button
        type="button"
        className={isAsking ? "button is-small is-bad" : "button is-small"}
        aria-label={isAsking ? `Revoke for good: ${name}` : `Revoke ${name}`}
        onClick={() => (isAsking ? void revoke() : setAsking(true))}
      >
        {isAsking ? "Revoke for good" : "Revoke"}
      </button>
      {isAsking && (
        <>
          <button type="button" className="button is-small" aria-label={`Keep ${name}`} onClick={() => setAsking(false)}>
            Keep
          </button>
          <span role="status">{isMine ? "This signs you out." : "Whoever has it is locked out."}</span>
        </>
      )}
      {problem !== "" && <span role="alert">{problem}</span>}
    </div>
  );
}
