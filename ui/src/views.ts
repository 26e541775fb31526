/** The views, in the order of the navigation: where each lives and what draws it. */
import type { ComponentType } from "react";

import { later } from "./parts/later";
import { RecordsPage } from "./records/records-page";

export interface ViewProps {
  /** The query of the address; it holds the view's whole state. */
  search: string;
  /** What follows the view's path: the session of `/sessions/NAME`, or nothing. */
  rest: string;
}

export interface View {
  path: string;
  label: string;
  /** `g` and then this letter goes there. */
  letter: string;
  Page: ComponentType<ViewProps>;
}

export const RECORDS: View = { path: "/", label: "Records", letter: "r", Page: RecordsPage };

// All but the list come when they are first opened, so that the first load stays small.
export const VIEWS: readonly View[] = [
  {
    path: "/live",
    label: "Live",
    letter: "l",
    Page: later(() => import("./live/live-page").then((m) => m.LivePage)),
  },
  RECORDS,
  {
    path: "/overview",
    label: "Overview",
    letter: "o",
    Page: later(() => import("./overview/overview-page").then((m) => m.OverviewPage)),
  },
  {
    path: "/sessions",
    label: "Sessions",
    letter: "s",
    Page: later(() => import("./sessions/sessions-page").then((m) => m.SessionsPage)),
  },
  {
    path: "/users",
    label: "Users",
    letter: "u",
    Page: later(() => import("./rollups/users-page").then((m) => m.UsersPage)),
  },
  {
    path: "/models",
    label: "Models",
    letter: "m",
    Page: later(() => import("./rollups/models-page").then((m) => m.ModelsPage)),
  },
  {
    path: "/health",
    label: "Health",
    letter: "h",
    Page: later(() => import("./health/health-page").then((m) => m.HealthPage)),
  },
  {
    path: "/keys",
    label: "Keys",
    letter: "k",
    Page: later(() => import("./keys/keys-page").then((m) => m.KeysPage)),
  },
];

// Reached from other views, so it has no place in the navigation.
const HIDDEN: readonly View[] = [
  {
    path: "/compare",
    label: "Compare",
    letter: "",
    Page: later(() => import("./record/compare-page").then((m) => m.ComparePage)),
  },
];

/** The view of an address, and the rest of its path. */
export function viewOf(pathname: string): { view: View; rest: string } {
  const first = `/${pathname.split("/")[1] ?? ""}`;
  const view = [...VIEWS, ...HIDDEN].find((one) => one.path === first && first !== "/") ?? RECORDS;
  const rest = view === RECORDS ? "" : pathname.slice(view.path.length + 1);
  return { view, rest: decodeURIComponent(rest) };
}
