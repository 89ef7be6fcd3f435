"""An API of canned answers, and what lands from it."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from unittest import mock
from uuid import uuid4

import httpx
import respx

from seawall.clients import source as sources
from seawall.clients.source import ApiSource
from seawall.storage.local import LocalStore
from seawall.storage.manifest import Manifest
from seawall.tasks.conclude import OURS
from seawall.tasks.context.resources import assembled, lend, release
from seawall.tasks.land import land
from seawall.tasks.options import IngestOptions
from seawall.tasks.plan import make_plan
from seawall.tasks.preflight import authenticate, reach_bucket
from seawall.tasks.publish import publish
from seawall.tasks.run import Run
from seawall.tasks.settle import refuse_pages_that_are_not_there
from seawall.testing.faults import Answer
from seawall.testing.landed import Landed
from seawall.testing.pages import Pages
from seawall.testing.stand_ins import AtOnce, VirtualTime

_ONE_AT_A_TIME: Final = {"max_in_flight": 1, "parallel_parts": 1}


class Api(respx.Router):
    """A router of canned answers (`get`, `post`, `route` and the rest of respx), and what lands from it in a folder.

    What no route answers fails the test; so does an error in a side effect.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(assert_all_called=False)
        self._folder = folder
        self._pages: list[Pages] = []

    def pages(
        self,
        url: str,
        pages: Sequence[object],
        *,
        faults: Mapping[int, Sequence[Answer]] | None = None,
        method: str = "GET",
    ) -> respx.Route:
        """Answer with these pages: JSON bodies, or whole responses where headers matter.

        Who asks by number or offset gets the page of that number; else each new question gets the next page. The same
        question gets the same page, and what asks for more gets the last page without its records. `faults` come in
        place of a page, counted from 1, once each.
        """
        answers = Pages(pages, faults or {})
        self._pages.append(answers)
        return self.request(method, url).mock(side_effect=answers.answer)

    def land(
        self,
        source: ApiSource | Mapping[str, Any],
        *,
        params: Mapping[str, str] | None = None,
        options: Mapping[str, Any] | None = None,
        resume: str | None = None,
    ) -> Landed:
        """Land a source as `ingest` does, as JSON Lines; what a run would raise is the `error` of what it gives."""
        source = ApiSource.model_validate(source)
        run = Run(
            run_id=resume or str(uuid4()),
            source=source.name,
            format="jsonl",
            params=dict(params or {}),
            options=IngestOptions.model_validate({**_ONE_AT_A_TIME, **(options or {})}),
            resuming=resume is not None,
        )
        for pages in self._pages:
            pages.expect(source, run.options.page_size or source.page_size, resuming=run.resuming)
        time, asked_before = VirtualTime(), len(self.calls)
        manifest = error = None
        try:
            manifest = self._manifest(run, source, time)
        except OURS as reason:
            error = reason
        requests = tuple(call.request for call in self.calls[asked_before:])
        return Landed(
            run_id=run.run_id,
            folder=self._folder,
            requests=requests,
            waited=time.clock(),
            manifest=manifest,
            error=error,
        )

    def _manifest(self, run: Run, source: ApiSource, time: VirtualTime) -> Manifest:
        """The steps of a run."""
        refuse_pages_that_are_not_there(run, source)
        transport = httpx.MockTransport(self.handler)
        resources = assembled(
            run, source, LocalStore(self._folder),
            transport=transport, clock=time.clock, sleep=time.sleep, pool=AtOnce(),
        )  # fmt: skip
        lend(run, resources)
        try:
            with _quickly():
                authenticate.fn(run)
                reach_bucket.fn(run)
                landing = make_plan.fn(run)
                return publish.fn(landing, land(landing))
        finally:
            release(run)


@contextmanager
def _quickly() -> Iterator[None]:
    """Without what is slow by design: a digest that nobody can guess from, and waiting for the disk."""
    with mock.patch.object(sources, "FINGERPRINT_ROUNDS", 1), mock.patch.object(os, "fsync"):
        yield
