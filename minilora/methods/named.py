"""Methods written as text: ``lora``, ``lora:rank=4,targets=query/value``, ``houlsby:width=8``, ``lora+prefix-embedding:prefix=8``.

Comes after the methods, whose names (``Method.method``, and the kinds of adapters) and fields it knows; commands that take several methods at once read them here.
"""

import types
import typing
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ..errors import InputError, nearest
from .adapter import KINDS, Adapter
from .base import Method
from .files import METHODS
from .together import as_method

PLAIN = (int, float, str)


def names() -> dict[str, tuple[type[Method], dict[str, str]]]:
    """Every name, the class it stands for, and the fields that the name itself decides."""
    classes: dict[str, tuple[type[Method], dict[str, str]]] = {
        name: (kind, {}) for name, kind in METHODS.items() if kind is not Adapter
    }
    return classes | {kind: (Adapter, {"kind": kind}) for kind in KINDS}


def method_from_text(text: str) -> Method:
    """The method that ``name:field=value,field=value`` says; values that are several are separated by ``/``, methods that are composed by ``+``.

    Raises InputError for an unknown name, field or value, and for what cannot be composed.
    """
    return as_method([make_method(*read_text(part)) for part in text.split("+")])


def read_text(text: str) -> tuple[str, dict[str, str]]:
    """``name:field=value,field=value`` as a name and its fields, not yet checked. Raises InputError for a field without a value."""
    name, _, rest = text.strip().partition(":")
    given: dict[str, str] = {}
    for part in filter(None, rest.split(",")):
        field, equals, value = part.partition("=")
        if not equals:
            raise InputError(f"in {text!r}, {part!r} is no setting; write it as field=value")
        given[field.strip()] = value.strip()
    return name, given


def make_method(name: str, given: Mapping[str, str]) -> Method:
    """The method of that name with these fields, each a text. Raises InputError for an unknown name or field, with the nearest, and for what a field does not accept."""
    known = names()
    if name not in known:
        raise InputError(f"there is no method {name!r}{nearest(name, known)}; there are {', '.join(known)}")
    kind, decided = known[name]
    hints = typing.get_type_hints(kind)
    open_fields = {
        field.name: hints[field.name]
        for field in fields(kind)
        if field.name not in decided and readable(hints[field.name])
    }
    values: dict[str, Any] = dict(decided)
    for field, text in given.items():
        if field not in open_fields:
            has = f"; it has {', '.join(open_fields)}" if open_fields else "; it has none"
            raise InputError(f"the method {name} has no field {field!r}{nearest(field, open_fields)}{has}")
        values[field] = read(text, open_fields[field], f"{field} of {name}")
    return kind(**values)


def readable(hint: Any) -> bool:
    """Whether a field of this type can be written as text: a number, a text, or several of one of them."""
    return any(kind in PLAIN or _items(kind) in PLAIN for kind in _kinds(hint))


def read(text: str, hint: Any, where: str) -> Any:
    """``text`` as a value of the type ``hint``; raises InputError where it is none."""
    kinds = _kinds(hint)
    one = next((_items(kind) for kind in kinds if _items(kind) in PLAIN), None)
    if one is not None:
        return tuple(read(part, one, where) for part in text.replace(",", "/").split("/") if part)
    kind = next(kind for kind in PLAIN if kind in kinds)
    try:
        return kind(text)
    except ValueError:
        raise InputError(f"{where} must be a {'whole ' if kind is int else ''}number, not {text!r}") from None


def _kinds(hint: Any) -> tuple[Any, ...]:
    return typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)


def _items(kind: Any) -> Any:
    """What a tuple's items are; None for what is no tuple."""
    return typing.get_args(kind)[0] if typing.get_origin(kind) is tuple else None
