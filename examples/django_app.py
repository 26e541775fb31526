"""Django: an answer is streamed to the browser, and logged when the server closes it.

Under ASGI the same with `AsyncManualLogger`, `AsyncOpenAI` and an async view.
"""

from __future__ import annotations

import json

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, StreamingHttpResponse
from django.urls import path
from openai import OpenAI

from streamgauge import ManualLogger

client = OpenAI()
logger = ManualLogger()


def chat(request: HttpRequest) -> StreamingHttpResponse:
    """Answer with the provider's stream, as server-sent events."""
    asked = {**json.loads(request.body), "stream": True}
    with logger.log_builder(asked, {"Streamgauge-User-Id": "ann"}) as log:
        stream = client.chat.completions.create(**asked)
        return StreamingHttpResponse(
            log.to_readable_stream(stream).bytes(), content_type="text/event-stream"
        )


urlpatterns = [path("chat", chat)]

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"])
app = get_wsgi_application()
