"use client";

import { useState } from "react";

export default function Page() {
  const [text, setText] = useState("");
  const [state, setState] = useState("ready");

  async function ask(event) {
    event.preventDefault();
    setState("reading");
    setText("");
    const question = new FormData(event.target).get("question");
    const answer = await fetch("/api/chat", { method: "POST", body: question });
    const decoder = new TextDecoder();
    let rest = "";
    for await (const bytes of answer.body) {
      const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
      rest = lines.pop();
      const words = lines.map((line) => JSON.parse(line).choices[0]?.delta.content ?? "");
      setText((before) => before + words.join(""));
    }
    setState("done");
  }

  return (
    <form onSubmit={ask}>
      <input name="question" aria-label="question" defaultValue="Say hello." />
      <button>Ask</button>
      <output data-state={state}>{text}</output>
    </form>
  );
}
