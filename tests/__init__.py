"""Tests mirror the source: `src/streamgauge/wire/sse.py` has `tests/wire/test_sse.py`."""
