"""Where a new tenant's database goes: one pure function of what its plan asks for and of what the
servers can hold. Plain Python, no Odoo.

The sidecar's own check, when the database is made, has the last word: it sees what has happened
since, and nobody else decides at the same time.
"""

from dataclasses import dataclass, field

# Of a role, beside what the plan gives: the sidecar's own looks (sidecar/databases/roles.ts).
OWN_CONNECTIONS = 2
# Below, PostgreSQL itself gets into trouble.
LEAST_DISK_MB = 2048
# From here on staff is warned, and from there on the warning is taken back.
HIGH_PERCENT = 80
CALM_PERCENT = 75


@dataclass(frozen=True)
class Wish:
    """What a plan asks for."""

    strategy: str = "shared"
    connections: int = 10


@dataclass(frozen=True)
class Server:
    """A shared database server. A limit of 0 is one that nobody knows."""

    id: int
    ready: bool = True
    makes_dedicated: bool = False
    tenants: int = 0
    max_tenants: int = 0
    promised: int = 0
    max_connections: int = 0
    disk_free_mb: int = 0
    disk_total_mb: int = 0


@dataclass(frozen=True)
class Choice:
    """``server`` is the id of the chosen one, or None; ``why`` is a word of `REASONS`."""

    server: int | None
    why: str
    # Percent of the chosen one, with the tenant on it.
    percent: int = 0
    # How many servers had room.
    had_room: int = 0
    # What keeps each of the others: id to a word of `OBSTACLES`.
    obstacles: dict = field(default_factory=dict)


REASONS = ("only", "emptiest", "dedicated", "none_ready", "all_full", "no_dedicated")
OBSTACLES = ("not_ready", "tenants", "connections", "disk", "no_dedicated")


def place(wish, servers):
    """:return: a `Choice`. Servers of one target or of several: filled evenly, all the same."""
    obstacles = {server.id: obstacle(wish, server) for server in servers}
    able = [server for server in servers if not obstacles[server.id]]
    obstacles = {key: word for key, word in obstacles.items() if word}
    if not able:
        return Choice(None, _refusal(obstacles.values()), obstacles=obstacles)
    best = min(able, key=lambda server: (fullness(_with(wish, server)), server.id))
    if wish.strategy == "dedicated":
        why = "dedicated"
    else:
        why = "emptiest" if len(able) > 1 else "only"
    percent = round(100 * fullness(_with(wish, best)))
    return Choice(best.id, why, percent=percent, had_room=len(able), obstacles=obstacles)


def obstacle(wish, server):
    """What keeps it from taking that tenant, or ""."""
    if not server.ready:
        return "not_ready"
    if wish.strategy == "dedicated":
        # It only lends a template; the data goes to a server that is made for the tenant.
        return "" if server.makes_dedicated else "no_dedicated"
    after = _with(wish, server)
    if server.max_tenants and after.tenants > server.max_tenants:
        return "tenants"
    if server.max_connections and after.promised > server.max_connections:
        return "connections"
    if server.disk_total_mb and server.disk_free_mb < LEAST_DISK_MB:
        return "disk"
    return ""


def fullness(server):
    """Of 1, in whatever it is fullest: tenants, promised connections, disk."""
    shares = [
        used / limit
        for used, limit in (
            (server.tenants, server.max_tenants),
            (server.promised, server.max_connections),
            (server.disk_total_mb - server.disk_free_mb, server.disk_total_mb),
        )
        if limit > 0
    ]
    return max(shares, default=0.0)


def _with(wish, server):
    if wish.strategy == "dedicated":
        return server
    return Server(
        **{
            **vars(server),
            "tenants": server.tenants + 1,
            "promised": server.promised + wish.connections + OWN_CONNECTIONS,
        }
    )


def _refusal(obstacles):
    words = set(obstacles)
    if "no_dedicated" in words and words <= {"no_dedicated", "not_ready"}:
        return "no_dedicated"
    return "all_full" if words & {"tenants", "connections", "disk"} else "none_ready"
