"""Questions to a server whose parts are being killed: asked again until there is an answer."""

from __future__ import annotations

from typing import Any

import httpx

from tests.product import Product
from tests.simulating import until

# Not there yet; the recorder is being replaced.
NOT_YET = (404, 503)

WITHIN_S = 60.0


def ask(product: Product, path: str, **params: Any) -> Any:
    """Return the JSON answer, once there is one."""
    return until(lambda: _json(product, path, params), within=WITHIN_S)


def closed_record(product: Product, record_id: str) -> dict[str, Any]:
    """Return the record, once it has ended."""

    def look() -> dict[str, Any] | None:
        record = _json(product, f"/api/v1/records/{record_id}", {})
        return record if record and record["outcome"] != "open" else None

    return until(look, within=WITHIN_S)


def stored_bytes(product: Product, record_id: str) -> tuple[bytes, httpx.Headers]:
    """Return the response that a record keeps, still encoded as it came, once it is stored."""

    def look() -> tuple[bytes, httpx.Headers] | None:
        try:
            with product.http.stream("GET", f"/api/v1/records/{record_id}/bytes") as answer:
                raw = b"".join(answer.iter_raw())
        except httpx.TransportError:
            return None
        if answer.status_code in NOT_YET:
            return None
        assert answer.status_code == 200, raw
        return raw, answer.headers

    return until(look, within=WITHIN_S)


def _json(product: Product, path: str, params: dict[str, Any]) -> Any:
    try:
        answer = product.http.get(path, params=params)
    except httpx.TransportError:
        return None
    if answer.status_code in NOT_YET:
        return None
    assert answer.status_code == 200, answer.text
    return answer.json()
