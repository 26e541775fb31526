"""Helicone's questions, over our records: its names of columns, its filter trees, its totals."""

from streamgauge.store.helicone.requests import MAX_LIMIT, count, request, requests
from streamgauge.store.helicone.totals import properties, sessions, user_count, users

__all__ = [
    "MAX_LIMIT",
    "count",
    "properties",
    "request",
    "requests",
    "sessions",
    "user_count",
    "users",
]
