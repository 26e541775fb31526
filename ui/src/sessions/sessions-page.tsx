import type { Session } from "../api/types";
import { duration } from "../format";
import { ERRORS } from "../parts/outcome";
import type { TimeRange } from "../parts/range";
import { errors, lastSeen, requests, spent, tokensOut, ttft } from "../rollups/columns";
import { recordsOf, RollupPage } from "../rollups/page";
import type { Column } from "../rollups/table";
import { Models } from "../rollups/users-page";
import { Link } from "../router";
import type { ViewProps } from "../views";
import { SessionPage } from "./session-page";

const columns = (range: TimeRange): readonly Column<Session>[] => {
  const of = (session: Session) => recordsOf(range, { session_id: session.session_id });
  return [
    {
      name: "Session",
      cell: (session) => (
        <>
          <Link href={`/sessions/${encodeURIComponent(session.session_id)}`}>
            {session.session_name ?? session.session_id}
          </Link>{" "}
          {session.session_name !== null && <span className="muted">{session.session_id}</span>}
        </>
      ),
    },
    requests(of),
    errors((session) => recordsOf(range, { session_id: session.session_id, ...ERRORS })),
    {
      name: "Length",
      hint: "from its first request to its last answer",
      isNumber: true,
      min: "small",
      // Nothing of one whose first answer is still under way.
      cell: ({ first_at, last_at }) => duration(Date.parse(last_at) - Date.parse(first_at) || null),
    },
    ttft,
    { name: "User", min: "medium", cell: (session) => session.user_id ?? "" },
    { name: "Models", min: "wide", cell: ({ models }) => <Models models={models} /> },
    tokensOut,
    spent,
    lastSeen,
  ];
};

/** Conversations and agent runs; each opens as a tree with its waterfall. */
export function SessionsPage({ search, rest }: ViewProps) {
  if (rest !== "") return <SessionPage id={rest} />;
  return (
    <RollupPage<Session>
      title="Sessions"
      path="/sessions"
      noun="session"
      address="/api/v1/sessions"
      rowsOf={(answer) => ("sessions" in answer ? answer.sessions : [])}
      keyOf={(session) => session.session_id}
      columns={columns}
      usualSort="-last_at"
      hint={
        <p>
          No session in this time. Requests that belong together share the header{" "}
          <code>Streamgauge-Session-Id</code>; <code>Streamgauge-Session-Path</code> says where in
          the tree each stands: <code>/plan/search</code>.
        </p>
      }
      search={search}
    />
  );
}
