"""One call with openai 0.28, as its users wrote it. Runs in an environment of its own.

In: JSON on standard input with base, mode, model, text, headers, usage. Out: JSON with what
the SDK gave.
"""

import asyncio
import json
import sys

import openai

ask = json.load(sys.stdin)
openai.api_base = ask["base"]
openai.api_key = "test"

asked = {
    "model": ask["model"],
    "messages": [{"role": "user", "content": ask["text"]}],
    "headers": ask["headers"],
}
if ask["mode"] != "plain" and ask["usage"]:
    asked["stream_options"] = {"include_usage": True}


def words(chunk):
    return "".join(choice.delta.get("content") or "" for choice in chunk.choices)


def plain():
    return openai.ChatCompletion.create(**asked).choices[0].message.content


def streamed():
    return "".join(words(chunk) for chunk in openai.ChatCompletion.create(stream=True, **asked))


async def streamed_async():
    said = ""
    async for chunk in await openai.ChatCompletion.acreate(stream=True, **asked):
        said += words(chunk)
    return said


def run_async():
    return asyncio.run(streamed_async())


print(json.dumps({"plain": plain, "sync": streamed, "async": run_async}[ask["mode"]]()))
