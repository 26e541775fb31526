"""What an application logs can be tested without a server."""

from __future__ import annotations

from streamgauge import ManualLogger
from streamgauge.testing import capture_logs


def test_logs_are_captured():
    """Those of every logger, as JSON; nothing is sent."""
    logger = ManualLogger(base_url="http://127.0.0.1:1")
    with capture_logs() as logs:
        logger.send_log({"model": "m"}, "hello")
        with logger.log_builder({"model": "n"}) as log:
            list(log.to_readable_stream(["a"]))
    assert [one["request"]["model"] for one in logs] == ["m", "n"]
    assert logs[0]["response"]["body"] == "hello"
    assert logs[1]["response"]["chunks"][0][1] == "a"
    assert logger.flush(1)
    logger.close()
