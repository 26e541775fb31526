"""Flask: an answer is streamed to the browser, and logged when the server closes it.

flask --app examples/flask_app.py run
"""

from __future__ import annotations

from flask import Flask, Response, request
from openai import OpenAI

from streamgauge import ManualLogger

app = Flask(__name__)
client = OpenAI()
logger = ManualLogger()


@app.post("/chat")
def chat() -> Response:
    """Answer with the provider's stream, as server-sent events."""
    asked = {**request.get_json(), "stream": True}
    with logger.log_builder(asked, {"Streamgauge-User-Id": "ann"}) as log:
        stream = client.chat.completions.create(**asked)
        return Response(log.to_readable_stream(stream).bytes(), mimetype="text/event-stream")
