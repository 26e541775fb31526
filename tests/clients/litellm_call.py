"""One call with LiteLLM's callback for Helicone, as its users set it up.

In: JSON on standard input with product, base, model, text, metadata, wishes. Out: JSON
with the text that the caller got.
"""

import json
import os
import sys

ask = json.load(sys.stdin)
os.environ |= {
    "HELICONE_API_KEY": "sk-helicone-test",
    "HELICONE_API_BASE": ask["product"] + "/",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
}

import litellm  # noqa: E402 - it reads the environment when it is imported

litellm.success_callback = ["helicone"]
litellm.suppress_debug_info = True

answer = litellm.completion(
    model=ask["model"],
    api_base=ask["base"],
    api_key="test",
    messages=[{"role": "user", "content": ask["text"]}],
    metadata=ask["metadata"],
    extra_headers=ask["wishes"],
)
print(json.dumps(answer.choices[0].message.content))
