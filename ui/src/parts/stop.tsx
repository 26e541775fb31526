import { useState } from "react";

import { stopRecord } from "../api/client";
import { useAccess } from "../keys/access";

/** Ends a running stream. Asks for a second press: nobody can start it again. */
export function Stop({ id }: { id: string }) {
  const [state, setState] = useState<"" | "sure" | "stopping">("");
  const [problem, setProblem] = useState("");
  const { access } = useAccess();
  const stop = async () => {
    setState("stopping");
    setProblem("");
    try {
      await stopRecord(id);
    } catch (error) {
      setProblem((error as Error).message);
      setState("");
    }
  };
  if (access !== undefined && !access.scopes.includes("log")) return null;
  return (
    <>
      <button
        type="button"
        className="button is-small stop"
        disabled={state === "stopping"}
        onClick={() => (state === "sure" ? void stop() : setState("sure"))}
        onBlur={() => state === "sure" && setState("")}
      >
        {{ "": "Stop", sure: "Stop it now?", stopping: "Stopping" }[state]}
      </button>
      {problem && <span role="alert">{problem}</span>}
    </>
  );
}
