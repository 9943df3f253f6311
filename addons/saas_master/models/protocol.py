"""The shapes of what the sidecar sends, as checks of `wire`. Plain Python, no Odoo.

The same in TypeScript is in sidecar/odoo/port.ts and sidecar/domain/tenant.ts.
"""

from functools import partial

from . import lifecycle, wire

VERSION = 2

positive = partial(wire.integer, least=1)
lease_seconds = partial(wire.integer, least=1, most=3600)

usage = wire.record(users=wire.amount, database_mb=wire.amount, filestore_mb=wire.amount)
status = wire.record(
    phase=wire.one_of(lifecycle.PHASES),
    generation=wire.integer,
    message=wire.text,
    additions=wire.texts,
    usage=wire.nullable(usage),
)
step = wire.record(
    number=positive,
    name=wire.text,
    state=wire.one_of(("running", "done", "failed")),
    started_at=wire.moment,
    duration_ms=wire.amount,
    message=wire.text,
)
steps = partial(wire.items, check=step, most=500)
leases = partial(wire.items, check=wire.record(operation=positive, lease=wire.text))
samples = partial(
    wire.items,
    check=wire.record(
        tenant=wire.text,
        at=wire.moment,
        users=wire.amount,
        database_mb=wire.amount,
        filestore_mb=wire.amount,
    ),
)

target = wire.record(
    name=wire.text,
    kind=wire.one_of(("process", "docker", "kubernetes")),
    ready=wire.flag,
    notes=wire.texts,
    missing_isolation=wire.texts,
    memory_mb=wire.amount,
    cpu_milli=wire.amount,
    dedicated_servers=wire.flag,
    checks_isolation=wire.flag,
)
server = wire.record(
    name=wire.text,
    target=wire.text,
    ready=wire.flag,
    notes=wire.texts,
    max_connections=wire.amount,
    max_databases=wire.amount,
    databases=wire.amount,
    promised_connections=wire.amount,
    connections=wire.amount,
    disk_free_mb=wire.amount,
    disk_total_mb=wire.amount,
)
stray = wire.record(
    id=wire.text,
    target=wire.text,
    database=wire.one_of(("shared", "dedicated", "none")),
    server=wire.text,
    hosts=wire.texts,
)
info = wire.record(
    protocol=wire.integer,
    worker=wire.text,
    version=wire.text,
    targets=partial(wire.items, check=target),
    servers=partial(wire.items, check=server),
    strays=wire.nullable(partial(wire.items, check=stray)),
)

_open_or_shut = wire.one_of(("open", "shut"))
# `from` is no name in Python.
way = wire.record(
    **{"from": wire.text, "to": wire.text},
    name=wire.text,
    wanted=_open_or_shut,
    found=_open_or_shut,
)

_LONGEST_RETRY = 24 * 3600
_outcomes = {
    "done": wire.record(kind=wire.text, generation=wire.integer),
    "checked": wire.record(kind=wire.text, ways=partial(wire.items, check=way, most=500)),
    "retry": wire.record(
        kind=wire.text,
        after_seconds=lambda value, name: min(wire.amount(value, name), _LONGEST_RETRY),
        reason=wire.text,
    ),
    "failed": wire.record(kind=wire.text, reason=wire.text),
    "cancelled": wire.record(kind=wire.text, reason=wire.text),
    "released": wire.record(kind=wire.text),
}
_kind_of_outcome = wire.record(kind=wire.one_of(tuple(_outcomes)))


def outcome(value, name):
    return _outcomes[_kind_of_outcome(value, name)["kind"]](value, name)
