"""A stream of LiteLLM's, sync or async, in our log builder.

In: JSON on standard input with sdk (a folder), product, base, model, text, labels, wishes,
is_async. Out: JSON with the text that the caller got.
"""

import asyncio
import json
import os
import sys

ask = json.load(sys.stdin)
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
sys.path.insert(0, ask["sdk"])

import litellm  # noqa: E402 - it reads the environment when it is imported

from streamgauge import ManualLogger  # noqa: E402

litellm.suppress_debug_info = True

request = {
    "model": ask["model"],
    "messages": [{"role": "user", "content": ask["text"]}],
    "stream": True,
    "stream_options": {"include_usage": True},
}
options = {"api_base": ask["base"], "api_key": "test", "extra_headers": ask["wishes"]}
provider = ask["model"].partition("/")[0]


def words(chunk):
    return "".join(choice.delta.content or "" for choice in chunk.choices)


def read(log):
    stream = log.to_readable_stream(litellm.completion(**request, **options))
    return "".join(words(chunk) for chunk in stream)


async def read_async(log):
    stream = log.to_readable_stream(await litellm.acompletion(**request, **options))
    return "".join([words(chunk) async for chunk in stream])


with (
    ManualLogger(base_url=ask["product"]) as logger,
    logger.log_builder(request, ask["labels"], provider) as log,
):
    said = asyncio.run(read_async(log)) if ask["is_async"] else read(log)
print(json.dumps(said))
