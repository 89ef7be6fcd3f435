"""Many requests to a store at once."""

import contextvars
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final, TypeVar

from seawall.storage.store import ObjectStore

REQUESTS: Final = 16  # to a store at once; as many connections as the S3 client holds

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_parallel(
    store: ObjectStore, function: Callable[[Item], Result], items: Iterable[Item], *, at_once: int = REQUESTS
) -> list[Result]:
    """What `function` makes of each item, in order; after the first error nothing more is begun, and it is raised.

    A signal stops `store`, which all of it works with: nobody waits for requests that hang.
    """
    every = list(items)
    if len(every) < 2 or at_once == 1:
        return list(map(function, every))
    with ThreadPoolExecutor(min(at_once, len(every)), thread_name_prefix="store") as pool:
        contexts = [contextvars.copy_context() for _ in every]  # log lines find their run by it
        with stopping_at_signals(store):
            return list(pool.map(lambda context, item: context.run(function, item), contexts, every))


@contextmanager
def stopping_at_signals(store: ObjectStore) -> Iterator[None]:
    """Stop a store where a signal ends the body."""
    try:
        yield
    except (Exception, GeneratorExit):
        raise
    except BaseException:
        store.stop()
        raise
