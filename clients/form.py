"""A form that people fill in: frozen, and a name that it does not know is refused with the nearest one that it does."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator


class Form(BaseModel):
    """The base of the kinds of auth and pagination, and of options."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _known(cls, values: Any) -> Any:
        return refuse_unknown(values, cls.model_fields)


def refuse_unknown(values: Any, names: Iterable[str]) -> Any:
    """The values of a form; raises ValueError, which names the nearest of `names`, where one has another name."""
    known = list(names)
    for name in sorted(set(values) - set(known)) if isinstance(values, dict) else ():
        raise ValueError(f"unknown field {name!r}; {hint(name, known)}")
    return values


def hint(name: str, known: Iterable[str]) -> str:
    """What to say to whoever wrote a name that is not known: the nearest one that is, or all of them."""
    names = list(known)
    nearest = get_close_matches(name, names, n=1, cutoff=0.6)
    return f"did you mean {nearest[0]!r}?" if nearest else f"choose from: {', '.join(names)}"
