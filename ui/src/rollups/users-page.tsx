import type { User } from "../api/types";
import { count } from "../format";
import { ERRORS } from "../parts/outcome";
import type { TimeRange } from "../parts/range";
import { Link } from "../router";
import type { ViewProps } from "../views";
import { errors, lastSeen, requests, spent, tokensIn, tokensOut, ttft } from "./columns";
import { recordsOf, RollupPage } from "./page";
import type { Column } from "./table";

const columns = (range: TimeRange): readonly Column<User>[] => {
  const of = (user: User) => recordsOf(range, { user_id: user.user_id });
  return [
    { name: "User", cell: (user) => <Link href={of(user)}>{user.user_id}</Link> },
    requests(of),
    errors((user) => recordsOf(range, { user_id: user.user_id, ...ERRORS })),
    ttft,
    { name: "Sessions", isNumber: true, min: "medium", cell: (user) => count(user.sessions) },
    { name: "Models", min: "wide", cell: ({ models }) => <Models models={models} /> },
    tokensIn,
    tokensOut,
    spent,
    lastSeen,
  ];
};

/** Who asked, how much, and what it cost. */
export function UsersPage({ search }: ViewProps) {
  return (
    <RollupPage<User>
      title="Users"
      path="/users"
      noun="user"
      address="/api/v1/users"
      rowsOf={(answer) => ("users" in answer ? answer.users : [])}
      keyOf={(user) => user.user_id}
      columns={columns}
      usualSort="-last_at"
      hint={
        <p>
          No user in this time. A request names its user in the header{" "}
          <code>Streamgauge-User-Id</code> (or <code>Helicone-User-Id</code>).
        </p>
      }
      search={search}
    />
  );
}

/** The first of some models, and how many more. */
export function Models({ models }: { models: readonly string[] }) {
  const [first, ...others] = models;
  return (
    <span className="rollup-models" title={models.join(", ")}>
      {first}
      {others.length > 0 && ` +${String(others.length)}`}
    </span>
  );
}
