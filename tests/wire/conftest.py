"""Every wire test that takes a `cut` runs with each of them."""

from __future__ import annotations

import pytest

from tests.wire.cuts import CUTS, Cut


@pytest.fixture(params=CUTS.values(), ids=CUTS)
def cut(request: pytest.FixtureRequest) -> Cut:
    return request.param
