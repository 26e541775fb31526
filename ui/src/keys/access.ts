/** What this browser may do: whether the server has keys, and what ours is good for. */
import { useQuery, useQueryClient } from "@tanstack/react-query";

import { ApiError, ask, signIn, signOut } from "../api/client";
import type { Access, Scope } from "../api/types";

export const ACCESS = ["access"];

/** Every scope, with what it is for. */
export const SCOPES = {
  log: "tell of calls, and stop streams",
  read: "see records, statistics and metrics",
  admin: "everything, these keys too",
} satisfies Record<Scope, string>;

export function useAccess() {
  const { data, isPending, refetch } = useQuery({
    queryKey: ACCESS,
    queryFn: ({ signal }) => ask("/api/v1/session", { signal }),
    staleTime: Infinity,
  });
  return { access: data, isPending, refetch };
}

/** Sign this browser in and out; all that it knows by the key before is forgotten. */
export function useSession() {
  const client = useQueryClient();
  const become = (access: Access) => {
    client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== ACCESS[0] });
    client.setQueryData(ACCESS, access);
  };
  return {
    signIn: async (key: string) => become(await signIn(key)),
    signOut: async () => {
      await signOut();
      become({ has_keys: true, id: null, name: null, scopes: [] });
    },
  };
}

/** Whether a question was refused because of the key. */
export function isKeyAmiss(error: unknown): boolean {
  return error instanceof ApiError && error.status === 401;
}

/** log, read and admin, as one says it. */
export function listed(scopes: readonly Scope[]): string {
  return scopes.length === 0 ? "none" : new Intl.ListFormat("en").format(scopes);
}
