"""A step that failed of something that can pass by itself is tried again, and no other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from ingestion.transience import can_pass
from orchestration.resources import HomeToWrite

#: After 10, 40 and 160 seconds: a share that is mounted again, an analyst who closes the warehouse.
RETRIES = 3
FIRST_WAIT_SECONDS = 10
FACTOR = 4


@contextmanager
def persistent(context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext, home: HomeToWrite) -> Iterator[None]:
    """Asks Dagster to start the step again, after a while, when what is inside fails of something that can pass.

    Raises:
        RetryRequested: it can pass; the cause is the error.
        Exception: it stays; the error as it came.
    """
    try:
        yield
    except Exception as error:
        home.has_failed(error)
        if not can_pass(error):
            raise
        wait = FIRST_WAIT_SECONDS * FACTOR**context.retry_number
        raise dg.RetryRequested(max_retries=RETRIES, seconds_to_wait=wait) from error
