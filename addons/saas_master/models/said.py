"""What code of ours, and nobody else, says in a context: who acts, what it is called, and why.

Whoever calls a method over RPC chooses the context. But all that comes that way are plain values,
never one of this class: what is no ``Said`` does not count.
"""


class Said(str):
    """A word in a context, such as ``with_context(saas_action=Said("rename"))``."""

    __slots__ = ()


def said(env, key):
    """What the context says under ``key``, or ""."""
    value = env.context.get(key)
    return str(value) if isinstance(value, Said) else ""
