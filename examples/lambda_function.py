"""AWS Lambda: what is logged leaves before the function is frozen."""

from __future__ import annotations

import json
from typing import Any

from openai import OpenAI

import streamgauge

client = streamgauge.wrap(OpenAI())


@streamgauge.flush_after
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer an API Gateway event with the model's words."""
    answer = client.chat.completions.create(**json.loads(event["body"]))
    return {"statusCode": 200, "body": answer.choices[0].message.content}
