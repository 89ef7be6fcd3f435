"""The keeper of tokens that rotate: the saved block of their source, for every run that names it."""

import contextlib
import contextvars
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final, TypeVar
from uuid import UUID, uuid4

import httpx
from loguru import logger
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import BlockDocumentUpdate, VariableCreate
from prefect.client.schemas.objects import BlockDocument, Variable
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound

from seawall.clients.auth.keepers import KeptTokens, Wait
from seawall.clients.errors import AuthenticationError
from seawall.clients.redact import plain
from seawall.clients.source import ApiSource
from seawall.tasks.context.prefect_api import hasty

API_PATIENCE: Final = 30.0  # seconds that tokens wait for a Prefect API that is away
API_TIMEOUT: Final = 10.0  # seconds for one request to it
API_PAUSE: Final = 1.0  # seconds between two of them
TURN_PAUSE: Final = 0.2  # seconds between two looks whether it is our turn
TURN_LIFE: Final = 60.0  # seconds without a sign of life, after which a process that has its turn is taken for dead
TURN_SIGN: Final = 10.0  # seconds between two signs of life

Result = TypeVar("Result")


class BlockKeeper:
    """Keeps tokens in the block `api-source/<name>`, and whose turn it is in a variable of Prefect, create-only.

    Of what Prefect offers, a variable is what only one process can create, and what can be deleted by an id that no
    other turn has. A global concurrency limit would do as well, were its leases not in the memory of the server: after
    a restart nobody ends those that were held, and the slot stays taken. A turn is passed on where its variable did not
    change for TURN_LIFE, by the clock of whoever waits; so no two clocks have to agree.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def load(self, wait: Wait) -> KeptTokens:
        """The tokens that the block holds now."""
        return _kept(_patiently(self._document, wait))

    def save(self, tokens: KeptTokens) -> None:
        """Put them in the block, and leave the rest of it as it is now. It waits even where the run has to end."""
        _patiently(lambda client: self._put(client, tokens), time.sleep)

    @contextlib.contextmanager
    def turn(self, wait: Wait) -> Iterator[None]:
        """Wait until no other process has its turn, and have it."""
        document = _patiently(self._document, wait)
        turn = _Turn(f"seawall_turn_{document.id.hex}")
        turn.begin(wait)
        try:
            with turn.signs_of_life():
                yield
        finally:
            with contextlib.suppress(AuthenticationError):  # then it is passed on when it has expired
                _patiently(turn.end, time.sleep, patience=API_TIMEOUT)

    def _document(self, client: SyncPrefectClient) -> BlockDocument:
        return client.read_block_document_by_name(self._name, ApiSource.get_block_type_slug(), include_secrets=True)

    def _put(self, client: SyncPrefectClient, tokens: KeptTokens) -> None:
        document = self._document(client)
        kept = {
            "refresh_token": tokens.refresh,
            "access_token": tokens.access,
            "access_token_stale_at": tokens.stale_at,
        }
        update = BlockDocumentUpdate(data={"auth": document.data["auth"] | kept})
        client.update_block_document(document.id, update)


class _Turn:
    """The right of one process to renew the tokens of a block: a variable that it created."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._holder = uuid4().hex
        self._id: UUID | None = None

    def begin(self, wait: Wait) -> None:
        """Return once the variable is ours."""
        before, seen = None, time.monotonic()
        while other := _patiently(self._other, wait):
            if other.value != before:
                before, seen = other.value, time.monotonic()
            if time.monotonic() - seen > TURN_LIFE:
                logger.warning("a process died while it renewed the token; its turn is over")
                _patiently(partial(_delete, id=other.id), wait)
            else:
                wait(TURN_PAUSE)

    def end(self, client: SyncPrefectClient) -> None:
        """Let the next one have it."""
        if self._id is not None:
            _delete(client, self._id)

    @contextlib.contextmanager
    def signs_of_life(self) -> Iterator[None]:
        """Change the variable again and again, so that nobody takes this process for dead."""
        over = threading.Event()
        run = contextvars.copy_context().run
        thread = threading.Thread(target=run, args=(self._signal, over), daemon=True, name="turn")
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _other(self, client: SyncPrefectClient) -> Variable | None:
        """The turn of another process; None where it is ours now."""
        while True:
            try:
                variable = client.create_variable(VariableCreate(name=self._name, value=self._value(0)))
            except ObjectAlreadyExists:
                variable = client.read_variable_by_name(self._name)  # type: ignore[assignment]  # it may be gone
            if variable is not None:
                is_ours = isinstance(variable.value, dict) and variable.value.get("holder") == self._holder
                self._id = variable.id if is_ours else None  # the answer to our own creation may have been lost
                return None if is_ours else variable

    def _signal(self, over: threading.Event) -> None:
        number = 0
        while not over.wait(TURN_SIGN):
            number += 1
            with contextlib.suppress(AuthenticationError):
                _patiently(partial(self._sign, number=number), over.wait, patience=0)

    def _sign(self, client: SyncPrefectClient, number: int) -> None:
        client.request("PATCH", "/variables/{id}", path_params={"id": self._id}, json={"value": self._value(number)})

    def _value(self, number: int) -> dict[str, Any]:
        return {"holder": self._holder, "sign": number}


def _delete(client: SyncPrefectClient, id: UUID) -> None:
    """Delete one variable, and none that has its name by now."""
    with contextlib.suppress(ObjectNotFound):
        try:
            client.request("DELETE", "/variables/{id}", path_params={"id": id})
        except httpx.HTTPStatusError as error:
            if error.response.status_code != httpx.codes.NOT_FOUND:
                raise


def _kept(document: BlockDocument) -> KeptTokens:
    auth = document.data.get("auth")
    refresh = auth.get("refresh_token") if isinstance(auth, dict) else None
    if not isinstance(auth, dict) or not isinstance(refresh, str) or not refresh:
        raise AuthenticationError(f"the source {document.name!r} holds no auth.refresh_token any more")
    return KeptTokens(refresh=refresh, access=auth.get("access_token"), stale_at=auth.get("access_token_stale_at"))


def _patiently(
    call: Callable[[SyncPrefectClient], Result], wait: Callable[[float], object], *, patience: float | None = None
) -> Result:
    """What a call to Prefect's API brings, tried again while that is away or busy.

    Raises:
        AuthenticationError: it stays away, or refuses.
    """
    deadline = time.monotonic() + (API_PATIENCE if patience is None else patience)
    while True:
        try:
            with hasty(API_TIMEOUT), get_client(sync_client=True) as client:
                return call(client)
        except (httpx.HTTPError, RuntimeError, ObjectNotFound) as error:
            status = error.response.status_code if isinstance(error, httpx.HTTPStatusError) else 500
            is_final = isinstance(error, ObjectNotFound) or (status < 500 and status not in (408, 429))
            if is_final or time.monotonic() > deadline:
                raise AuthenticationError(
                    f"tokens that rotate are kept by Prefect's API, which does not take part: {plain(str(error))}"
                ) from error
        wait(API_PAUSE)
