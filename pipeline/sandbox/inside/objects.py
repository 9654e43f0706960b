"""Objects of the candidate in a test program: they stay on its side, and the tester has their handles.

Only where the entry point is a class, by its name (PEP 8): what a function returns is data, since an object could
answer for itself whether it is right. So it could here, were it asked: two handles are never compared, and what a
method or an attribute gives is data again, which the tester compares.
"""

from __future__ import annotations

import itertools
import operator
import types
from collections.abc import Callable, Iterator
from typing import Any

from pipeline.sandbox.inside import codec

MOST_ITEMS = 10_000
"""Of an iterator that a function returned: the tester has them as data, and there are endless ones."""
OPERATORS: dict[str, Callable[..., Any]] = {
    "len": len,
    "str": str,
    "repr": repr,
    "iter": iter,
    "next": next,
    "getitem": operator.getitem,
    "setitem": operator.setitem,
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
}
Ask = Callable[[dict[str, Any]], Any]


def is_class(entry: str) -> bool:
    """Whether an entry point names a class."""
    return entry.rpartition(".")[2][:1].isupper()


class Shelf:
    """The candidate's side: its objects, by number."""

    def __init__(self, keep: bool) -> None:
        self.keep = keep
        self.objects: list[Any] = []

    def take(self, tagged: dict[str, Any]) -> Any:
        """An argument: data, or an object that the tester has the handle of."""
        return self.objects[tagged["object"]] if "object" in tagged else codec.decode(tagged["ok"])

    def give(self, value: Any) -> dict[str, Any]:
        """What the tester gets for a value: data, the items of an iterator, or a handle."""
        try:
            return {"ok": codec.encode(value)}
        except codec.NotData:
            if not self.keep:
                if isinstance(value, Iterator):
                    return {"items": codec.encode(list(itertools.islice(value, MOST_ITEMS)))}
                raise
        self.objects.append(value)
        return {"object": len(self.objects) - 1}

    def do(self, request: dict[str, Any]) -> dict[str, Any]:
        """What the tester asks of an object."""
        target, name = self.objects[request["on"]], request["name"]
        args = [self.take(item) for item in request.get("args", ())]
        kwargs = {key: self.take(item) for key, item in request.get("kwargs", {}).items()}
        if request["do"] == "operator":
            try:
                return self.give(OPERATORS[name](target, *args))
            except StopIteration:
                if name == "next":
                    return {"end": True}
                raise
        if request["do"] == "set":
            setattr(target, name, args[0])
            return {"ok": None}
        value = getattr(target, name)
        if request["do"] == "call":
            return self.give(value(*args, **kwargs))
        return {"method": True} if isinstance(value, types.MethodType | types.FunctionType) else self.give(value)


class Handles:
    """The tester's side. `ask` puts a request and gives the value of the reply; `gone` makes an error that no test
    catches."""

    def __init__(self, ask: Ask, gone: Callable[[str], BaseException]) -> None:
        self.ask, self.gone = ask, gone
        self.numbers: dict[int, int] = {}
        self.kept: list[Any] = []
        compared = ("eq", "ne", "lt", "le", "gt", "ge", "bool", "hash")
        members: dict[str, Any] = {f"__{name}__": self._refuse for name in compared}
        members |= {f"__{name}__": self._forward(name) for name in _FORWARDED}
        members |= {f"__{name}__": self._combine(name) for name in _COMBINED}
        members |= {"__getattr__": self._get(), "__setattr__": self._set(), "__slots__": ()}
        self.type = type("Handle", (), members)

    def make(self, number: int) -> Any:
        """The handle of an object from its number."""
        handle = self.type()
        self.kept.append(handle)
        self.numbers[id(handle)] = number
        return handle

    def pack(self, value: Any) -> dict[str, Any]:
        """An argument, as `Shelf.take` reads it."""
        return {"object": self.numbers[id(value)]} if type(value) is self.type else {"ok": codec.encode(value)}

    def _request(self, handle: Any, do: str, name: str, args: Any = (), kwargs: Any = None) -> Any:
        packed = {key: self.pack(value) for key, value in (kwargs or {}).items()}
        on = self.numbers[id(handle)]
        return self.ask({"on": on, "do": do, "name": name, "args": [self.pack(a) for a in args], "kwargs": packed})

    def _refuse(self, *others: Any) -> Any:
        raise self.gone("an object of its own was compared; what it says of itself counts for nothing")

    def _forward(self, name: str) -> Callable[..., Any]:
        return lambda handle, *args: self._request(handle, "operator", name, args)

    def _combine(self, name: str) -> Callable[..., Any]:
        # With a number as the other one, the object would answer for the difference.
        def combine(handle: Any, other: Any) -> Any:
            known = type(other) is self.type
            return self._request(handle, "operator", name, (other,)) if known else NotImplemented

        return combine

    def _get(self) -> Callable[..., Any]:
        def get(handle: Any, name: str) -> Any:
            if name.startswith("__"):
                raise AttributeError(name)
            reply = self._request(handle, "get", name)
            if reply is METHOD:
                return lambda *args, **kwargs: self._request(handle, "call", name, args, kwargs)
            return reply

        return get

    def _set(self) -> Callable[..., Any]:
        return lambda handle, name, value: self._request(handle, "set", name, (value,))


_FORWARDED = ("len", "str", "repr", "iter", "next", "getitem", "setitem")
_COMBINED = ("add", "sub", "mul")
METHOD = object()
"""The reply of an attribute that is a method."""
