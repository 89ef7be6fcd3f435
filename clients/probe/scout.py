"""The scout: asks a source that nobody knows yet, one question after another, and learns from any answer."""

import re
from dataclasses import replace
from types import TracebackType
from typing import Final, Self

import httpx

from seawall.clients.asking import Asking
from seawall.clients.auth.aws import AwsAuth
from seawall.clients.auth.keepers import TokenKeeper
from seawall.clients.auth.tokens import TokenAuth
from seawall.clients.errors import AttemptError, MalformedPageError, PageFailedError
from seawall.clients.http.exchange import Answer, exchange
from seawall.clients.http.pacing import Pacing
from seawall.clients.http.retries import Backoff, is_retryable
from seawall.clients.http.transport import http_client, http_transport
from seawall.clients.http.wire import Wire, deadline
from seawall.clients.limits import PROBE_ATTEMPTS, PROBE_REQUESTS
from seawall.clients.pages.answers import Circumstances, meaning_of
from seawall.clients.pages.body import Body
from seawall.clients.pages.decoding import Decoding
from seawall.clients.pages.page import PageRequest
from seawall.clients.pages.records import Records
from seawall.clients.redact import SECRETS
from seawall.clients.source import ApiSource

RATE_LIMIT: Final = re.compile(r"retry-after|(x-)?rate-?limit([-a-z]*)", re.IGNORECASE)


def is_good(answer: Answer) -> bool:
    """Whether the status is that of a page: 200, or 206 with its range (RFC 9110 §15.3.7)."""
    return answer.status == httpx.codes.OK or (answer.status == 206 and "Content-Range" in answer.headers)


def is_page(answer: Answer) -> bool:
    """Whether an answer is a page of JSON, or what it was decoded to."""
    try:
        return is_good(answer) and Body(answer.content) is not None
    except AttemptError:
        return False


def records_of(answer: Answer, path: str, records_as: str = "list") -> Records:
    """The JSON text of each record at `path`; none where the answer is no page of records."""
    try:
        return Body(answer.content, records_as=records_as).records(path) if is_page(answer) else Records()
    except MalformedPageError:
        return Records()


class Scout:
    """Asks with the source's credentials, limits and patience; at most PROBE_REQUESTS questions, no two at once.

    `rate_limits` holds the headers about rate limits that came with any answer, the last value of each;
    `requests` counts what was sent, repeated attempts included.
    """

    def __init__(
        self,
        source: ApiSource,
        *,
        keeper: TokenKeeper | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._secrets = source.secrets()
        SECRETS.add(*self._secrets)
        self.rate_limits: dict[str, str] = {}
        self.requests = self._questions = 0
        self.source = source
        self._wire = Wire()
        self._client = http_client(
            transport or http_transport(self._wire, max_in_flight=1, **source.connection()),
            connect_timeout=source.connect_timeout,
            read_timeout=source.read_timeout,
        )
        self._pacing = Pacing(
            max_in_flight=1,
            max_rate=source.max_rate,
            longest_wait=source.max_retry_after,
            give_up_after=source.give_up_after,
        )
        self._auth = source.signer(self._client, self._pacing, keeper=keeper)
        self._asking = Asking(source, source.query())
        self._decoding = Decoding(source)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pacing.stop()
        self._wire.hang_up()
        self._client.close()
        if isinstance(self._auth, TokenAuth | AwsAuth):
            self._auth.forget()
        SECRETS.discard(*self._secrets)

    @property
    def questions_left(self) -> int:
        """How many questions are left."""
        return PROBE_REQUESTS - self._questions

    def authenticate(self) -> None:
        """Get a token now, where the source wants one."""
        if isinstance(self._auth, TokenAuth):
            self._auth.token()

    def ask(self, request: PageRequest, *, first: bool = False) -> Answer:
        """The answer to a question, after attempts the last one; the `first` has to be JSON with status 200.

        Raises:
            SourceError: no answer came; or, with `first`, none that anything can be learnt from.
        """
        self._questions += 1
        answers: list[Answer] = []
        attempts = min(PROBE_ATTEMPTS, self.source.max_attempts)
        backoff = Backoff(
            self._pacing, max_attempts=attempts, max_retry_after=self.source.max_retry_after, page=request.number
        )
        try:
            return backoff.run(lambda: self._attempt(request, answers, first=first))
        except AttemptError as error:
            if answers and not first:
                return answers[-1]
            if isinstance(error, MalformedPageError):
                raise
            message = f"page {request.number} failed {len(backoff.causes)} times; the last: {error}"
            raise PageFailedError(message, number=request.number, causes=tuple(backoff.causes)) from error

    def resolved(self, text: str, answer: Answer) -> str:
        """The URL that a link in an answer means, without what goes with every request; see `links.followed`."""
        return self._asking.followed(text, answer.url)

    def _attempt(self, request: PageRequest, answers: list[Answer], *, first: bool) -> Answer:
        """One attempt, whose answer is appended to `answers` before it is judged."""
        signable = self._asking.request(self._client, request)
        self.requests += 1
        with (
            self._pacing.slot(again=bool(answers)) as turn,
            deadline(self.source.page_deadline),
            exchange(self._client, signable, auth=self._auth, max_bytes=self.source.max_page_bytes) as answer,
        ):
            turn.answered(answer.headers)
            answers.append(answer)
            self.rate_limits |= {name: text for name, text in answer.headers.items() if RATE_LIMIT.fullmatch(name)}
            if first or is_retryable(answer.status):
                about = Circumstances(first=first, renewable=isinstance(self._auth, TokenAuth), worked=False)
                meaning_of(answer, request, about)
            if is_good(answer):
                answers[-1] = replace(answer, content=self._decoding.json_text(answer))
                Body(answers[-1].content)
        self._pacing.succeeded()
        return answers[-1]
