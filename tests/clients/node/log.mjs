// One call with @helicone/helpers, as its users write it.
//
// In: JSON on standard input with way, ending, provider, simulator, endpoint, request, wishes,
// labels, own. Out: JSON with the text that the caller got, and what was told to the log.
import Anthropic from "@anthropic-ai/sdk";
import { HeliconeManualLogger } from "@helicone/helpers";
import OpenAI from "openai";
import Together from "together-ai";

const ask = JSON.parse(await new Response(process.stdin).text());
const told = [];
const realFetch = globalThis.fetch;
globalThis.fetch = async (url, options) => {
  const answer = await realFetch(url, options);
  if (String(url).endsWith("/v1/log")) {
    told.push({ url, status: answer.status, ...JSON.parse(options.body) });
  }
  return answer;
};
// What a client complains of is not JSON.
console.log = console.error;

const options = { apiKey: "test", maxRetries: 0, defaultHeaders: ask.wishes };
const clients = {
  openai: () => {
    const client = new OpenAI({ ...options, baseURL: `${ask.simulator}/v1` });
    return (request) => client.chat.completions.create(request);
  },
  anthropic: () => {
    const client = new Anthropic({ ...options, baseURL: ask.simulator });
    return (request) => client.messages.create(request);
  },
  together: () => {
    const client = new Together({ ...options, baseURL: `${ask.simulator}/together/v1` });
    return (request) => client.chat.completions.create(request);
  },
};
const create = clients[ask.provider]();

const logger = new HeliconeManualLogger({
  apiKey: "sk-helicone-test",
  headers: ask.own,
  loggingEndpoint: ask.endpoint,
});

function words(item) {
  if (item.delta) return item.delta.text ?? "";
  if (item.content) return item.content.map((part) => part.text ?? "").join("");
  return (item.choices ?? [])
    .map((one) => (one.delta ?? one.message).content ?? "")
    .join("");
}

const lines = (text) => text.split("\n").filter(Boolean).map((line) => JSON.parse(line));

async function read(stream, most = Infinity) {
  let text = "";
  const decoder = new TextDecoder();
  const reader = stream.getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return text;
    text += lines(decoder.decode(value, { stream: true })).map(words).join("");
    if (text.split(" ").length > most) {
      await reader.cancel();
      return text;
    }
  }
}

// A provider that fails in the middle, as far as the builder can tell.
function failing(stream) {
  const items = stream[Symbol.asyncIterator]();
  let left = 6;
  stream[Symbol.asyncIterator] = () => ({
    next() {
      if (left-- === 0) throw new Error("upstream died");
      return items.next();
    },
    return: () => items.return?.(),
  });
  return stream;
}

async function readItems(stream) {
  let text = "";
  for await (const item of stream) text += words(item);
  return text;
}

const ways = {
  async logBuilder() {
    const builder = logger.logBuilder(ask.request, ask.labels);
    let text = "";
    try {
      let stream = await create(ask.request);
      if (ask.ending === "error") stream = failing(stream);
      text = await read(builder.toReadableStream(stream), ask.ending === "cancel" ? 3 : Infinity);
    } catch (error) {
      builder.setError(error);
    } finally {
      await builder.sendLog();
    }
    return text;
  },
  async attachStream() {
    const builder = logger.logBuilder(ask.request);
    builder.addAdditionalHeaders(ask.labels);
    const [mine, logged] = (await create(ask.request)).tee();
    const [text] = await Promise.all([readItems(mine), builder.attachStream(logged)]);
    await builder.sendLog();
    return text;
  },
  async setResponse() {
    const builder = logger.logBuilder(ask.request, ask.labels);
    const answer = await create(ask.request);
    builder.setResponse(JSON.stringify(answer));
    await builder.sendLog();
    return words(answer);
  },
  async logStream() {
    const operation = async (recorder) => {
      const [mine, logged] = (await create(ask.request)).tee();
      recorder.attachStream(logged.toReadableStream());
      return mine;
    };
    return readItems(await logger.logStream(ask.request, operation, ask.labels));
  },
  async logSingleStream() {
    const [mine, logged] = (await create(ask.request)).tee();
    const logging = logger.logSingleStream(ask.request, logged.toReadableStream(), ask.labels);
    const text = await readItems(mine);
    await logging;
    return text;
  },
  async logSingleRequest() {
    const answer = await create(ask.request);
    const more = { additionalHeaders: ask.labels, latencyMs: 700 };
    await logger.logSingleRequest(ask.request, JSON.stringify(answer), more);
    return words(answer);
  },
  async logRequest() {
    const operation = async (recorder) => {
      const answer = await create(ask.request);
      recorder.appendResults(answer);
      return answer;
    };
    return words(await logger.logRequest(ask.request, operation, ask.labels, ask.provider));
  },
};

const text = await ways[ask.way]();
process.stdout.write(JSON.stringify({ text, told }));
