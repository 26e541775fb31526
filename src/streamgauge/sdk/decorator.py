"""A function of yours that calls a provider, and whose every call is logged."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast, overload

from streamgauge.sdk.builder import LogBuilder
from streamgauge.sdk.labels import Headers
from streamgauge.sdk.logger import _Logger, noted
from streamgauge.sdk.wrap import default_logger

P = ParamSpec("P")
T = TypeVar("T")


@overload
def logged(function: Callable[P, T], /) -> Callable[P, T]: ...
@overload
def logged(
    *, logger: _Logger | None = None, headers: Headers | None = None, provider: str | None = None
) -> Callable[[Callable[P, T]], Callable[P, T]]: ...
def logged(
    function: Callable[..., Any] | None = None,
    /,
    *,
    logger: _Logger | None = None,
    headers: Headers | None = None,
    provider: str | None = None,
) -> Any:
    """Log each call of the function below: its arguments are the request, its result the answer.

    The function may be async, and its result a stream, also a generator's. A single argument
    that is a dict is the request itself.
    """
    if function is None:
        return lambda one: _logged(one, logger, headers, provider)
    return _logged(function, logger, headers, provider)


def _logged(
    function: Callable[P, T],
    logger: _Logger | None,
    headers: Headers | None,
    provider: str | None,
) -> Callable[P, T]:
    signature = inspect.signature(function)

    def begin(*args: P.args, **kwargs: P.kwargs) -> LogBuilder:
        to = logger or default_logger()
        return to.log_builder(_request(signature, args, kwargs), headers, provider)

    if inspect.iscoroutinefunction(function):

        @wraps(function)
        async def call_async(*args: P.args, **kwargs: P.kwargs) -> Any:
            with begin(*args, **kwargs) as log:
                return noted(log, await function(*args, **kwargs))

        return cast("Callable[P, T]", call_async)

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        with begin(*args, **kwargs) as log:
            return cast("T", noted(log, function(*args, **kwargs)))

    return call


def _request(signature: inspect.Signature, args: Any, kwargs: Any) -> Any:
    """Return the arguments of a call by their names."""
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError:  # the function itself will say so
        return None
    arguments = dict(bound.arguments)
    arguments.pop("self", None)
    kinds = {name: one.kind for name, one in signature.parameters.items()}
    for name in list(arguments):
        if kinds[name] is inspect.Parameter.VAR_KEYWORD:
            arguments |= arguments.pop(name)
    values = list(arguments.values())
    return values[0] if len(values) == 1 and isinstance(values[0], dict) else arguments
