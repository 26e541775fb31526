import "./styles/tokens.css";
import "./styles/base.css";
// The styles above come first, so that each component's own can refine them.
import { QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { ApiError } from "./api/client";
import { App } from "./app";
import { ACCESS, isKeyAmiss } from "./keys/access";
import { applyTheme, readTheme } from "./theme";

applyTheme(readTheme());

const client = new QueryClient({
  queryCache: new QueryCache({
    // Keys were made since, or ours was revoked: what one sees depends on it.
    onError: (error, query) => {
      if (isKeyAmiss(error) && query.queryKey[0] !== ACCESS[0]) void client.invalidateQueries({ queryKey: ACCESS });
    },
  }),
  defaultOptions: {
    queries: {
      // A question that was refused is refused again; one that nobody answered may be luckier.
      retry: (failures, error) =>
        failures < 2 && !(error instanceof ApiError && error.status >= 400 && error.status < 500),
      // The live connection says when something is new.
      refetchOnWindowFocus: false,
      staleTime: 2000,
    },
  },
});

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={client}>
      <App />
    </QueryClientProvider>
  </StrictMode>,
);
