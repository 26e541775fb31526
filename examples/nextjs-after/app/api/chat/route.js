// Streams an answer to the browser, and logs it when the answer has gone out.
import { HeliconeManualLogger } from "@helicone/helpers";
import { after } from "next/server";
import OpenAI from "openai";

const logger = new HeliconeManualLogger({
  apiKey: process.env.STREAMGAUGE_API_KEY ?? "unused",
  loggingEndpoint: process.env.STREAMGAUGE_URL ?? "http://127.0.0.1:4284",
});

export async function POST(request) {
  const openai = new OpenAI();
  const body = {
    model: "gpt-4o-mini",
    messages: [{ role: "user", content: await request.text() }],
    stream: true,
    stream_options: { include_usage: true },
  };
  const log = logger.logBuilder(body, {
    "Helicone-User-Id": "alice",
    "Helicone-Property-App": "nextjs",
  });
  try {
    const answer = await openai.chat.completions.create(body);
    return new Response(log.toReadableStream(answer), {
      headers: { "Content-Type": "application/x-ndjson" },
    });
  } catch (error) {
    log.setError(error);
    return new Response("The model is not there.", { status: 502 });
  } finally {
    after(() => log.sendLog());
  }
}
