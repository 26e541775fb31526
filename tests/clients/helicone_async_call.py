"""Calls under Helicone's asynchronous logger, as its users set it up.

In: JSON on standard input with endpoint, base, model, text, stream, properties, wishes. Out: JSON
with the text that the caller got.
"""

import json
import os
import sys

ask = json.load(sys.stdin)
os.environ["TRACELOOP_TELEMETRY"] = "false"
# It prints what it does; only what we say is JSON.
said, sys.stdout = sys.stdout, sys.stderr

from helicone_async import HeliconeAsyncLogger  # noqa: E402
from openai import OpenAI, OpenAIError  # noqa: E402

logger = HeliconeAsyncLogger("sk-helicone-test", base_url=ask["endpoint"])
logger.init()
logger.set_properties(ask["properties"])

client = OpenAI(base_url=ask["base"], api_key="test", max_retries=0, default_headers=ask["wishes"])
try:
    answer = client.chat.completions.create(
        model=ask["model"],
        messages=[{"role": "user", "content": ask["text"]}],
        stream=ask["stream"],
        **({"stream_options": {"include_usage": True}} if ask["stream"] else {}),
    )
    if ask["stream"]:
        text = "".join(chunk.choices[0].delta.content or "" for chunk in answer if chunk.choices)
    else:
        text = answer.choices[0].message.content
except OpenAIError as error:
    text = type(error).__name__
print(json.dumps(text), file=said)
