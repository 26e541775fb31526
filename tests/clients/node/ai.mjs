// One call with Vercel's AI SDK through the gateway.
//
// In: JSON on standard input with provider, gateway, model, text, wishes, labels, stream. Out: JSON
// with the text that the caller got.
import { createOpenAI } from "@ai-sdk/openai";
import { createHelicone } from "@helicone/ai-sdk-provider";
import { generateText, streamText } from "ai";

const ask = JSON.parse(await new Response(process.stdin).text());
const models = {
  "@ai-sdk/openai": () =>
    createOpenAI({
      apiKey: "test",
      baseURL: `${ask.gateway}/openai/v1`,
      headers: { ...ask.wishes, ...ask.labels },
    }).chat(ask.model),
  "@helicone/ai-sdk-provider": () =>
    createHelicone({
      apiKey: "sk-helicone-test",
      baseURL: ask.gateway,
      headers: ask.wishes,
    })(ask.model, {
      extraBody: {
        helicone: {
          userId: "zoe",
          sessionId: "s1",
          sessionPath: "/chat",
          sessionName: "visit",
          properties: { env: "dev", feature: "search" },
        },
      },
    }),
};
const asked = { model: models[ask.provider](), prompt: ask.text, maxRetries: 0 };
const text = ask.stream
  ? await streamText(asked).text
  : (await generateText(asked)).text;
process.stdout.write(JSON.stringify(text));
