"""Set-up of every test: the verifier runs after each pass, and no machine code comes from the disk."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from s2sad import pipeline


@pytest.fixture(autouse=True, scope="session")
def verified() -> Iterator[None]:
    """Programs that the tests compile are verified after every pass (`pipeline.VERIFY`)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "VERIFY", True)
        patch.setenv("S2SAD_CACHE", "0")
        yield
