"""For your tests: the logs of your code, without a server.

```
with capture_logs() as logs:
    answer_a_question()
assert logs[0]["response"]["status"] == 200
```
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from streamgauge import __version__
from streamgauge.sdk.account import Account
from streamgauge.sdk.delivery import captors


@contextmanager
def capture_logs() -> Iterator[list[dict[str, Any]]]:
    """Collect what every logger sends, as the JSON of ``POST /api/v1/log``; nothing leaves."""
    logs: list[dict[str, Any]] = []

    def capture(account: Account) -> None:
        logs.append(json.loads(account.told(__version__)))

    captors.append(capture)
    try:
        yield logs
    finally:
        captors.remove(capture)
