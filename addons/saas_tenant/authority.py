"""Marks code that acts for the operator.

A context key would not do: whoever calls a method over RPC chooses the context.
"""

from contextlib import contextmanager
from contextvars import ContextVar

_operator = ContextVar("saas_tenant.operator", default=False)


@contextmanager
def as_operator():
    before = _operator.set(True)
    try:
        yield
    finally:
        _operator.reset(before)


def is_operator():
    return _operator.get()
