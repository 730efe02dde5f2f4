"""The same sums on every number of threads.

A product of large matrices is cut into parts, one for each thread that the linear algebra may use, and the parts are
added in another order: the last digits of a figure would hang on the machine's processors and its environment. What is
limited to one thread gives the same bits everywhere on one machine.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

P = ParamSpec("P")
R = TypeVar("R")


def one_thread(compute: Callable[P, R]) -> Callable[P, R]:
    """The function, with the linear algebra of the process limited to one thread while it runs.

    Two of them at once in one process: the one that ends first lifts the limit of the other. Jobs have a process each.
    """

    @wraps(compute)
    def limited(*args: P.args, **kwargs: P.kwargs) -> R:
        with threadpool_limits(limits=1, user_api="blas"):
            return compute(*args, **kwargs)

    return limited
