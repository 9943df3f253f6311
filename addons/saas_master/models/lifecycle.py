"""What a tenant and a subscription can be, and what may follow what. Plain Python, no Odoo.

The sidecar gathers what it saw for a moment and tells the last of it: a phase in between
is skipped. So a tenant may go straight from pending to running, but never back to
pending, and never out of deleted.
"""

PHASE_LABELS = [
    ("pending", "Pending"),
    ("provisioning", "Setting up"),
    ("running", "Running"),
    ("asleep", "Asleep"),
    ("suspended", "Suspended"),
    ("updating", "Updating"),
    ("restoring", "Restoring"),
    ("deleting", "Deleting"),
    ("deleted", "Deleted"),
    ("failed", "Failed"),
]

PHASES = tuple(name for name, _label in PHASE_LABELS)

DESIRED_LABELS = [
    ("running", "Running"),
    ("suspended", "Suspended"),
    ("deleted", "Deleted"),
]

# From each phase, the ones that may be seen next.
PHASE_CHANGES = {
    "pending": {
        "provisioning",
        "running",
        "updating",
        "suspended",
        "restoring",
        "deleting",
        "deleted",
        "failed",
    },
    "provisioning": {
        "running",
        "updating",
        "suspended",
        "restoring",
        "deleting",
        "deleted",
        "failed",
    },
    "running": {
        "asleep",
        "suspended",
        "updating",
        "restoring",
        "provisioning",
        "deleting",
        "deleted",
        "failed",
    },
    "asleep": {"running", "suspended", "updating", "restoring", "deleting", "deleted", "failed"},
    "suspended": {
        "running",
        "updating",
        "restoring",
        "provisioning",
        "deleting",
        "deleted",
        "failed",
    },
    "updating": {
        "running",
        "asleep",
        "suspended",
        "restoring",
        "provisioning",
        "deleting",
        "deleted",
        "failed",
    },
    "restoring": {"running", "suspended", "updating", "deleting", "deleted", "failed"},
    "deleting": {"deleted", "failed"},
    "deleted": set(),
    "failed": {
        "provisioning",
        "running",
        "asleep",
        "suspended",
        "updating",
        "restoring",
        "deleting",
        "deleted",
    },
}

SUBSCRIPTION_LABELS = [
    ("draft", "Draft"),
    ("trial", "Trial"),
    ("active", "Active"),
    ("past_due", "Past Due"),
    ("suspended", "Suspended"),
    ("ended", "Ended"),
]

SUBSCRIPTION_CHANGES = {
    "draft": {"trial", "active", "ended"},
    "trial": {"active", "past_due", "suspended", "ended"},
    "active": {"past_due", "suspended", "ended"},
    "past_due": {"active", "suspended", "ended"},
    "suspended": {"active", "past_due", "ended"},
    "ended": set(),
}

# What each state of the subscription means for its tenant; one that has ended keeps its data until
# a person decides.
SUBSCRIPTION_DESIRED = {
    "draft": "running",
    "trial": "running",
    "active": "running",
    "past_due": "running",
    "suspended": "suspended",
    "ended": "suspended",
}


class ImpossibleChangeError(ValueError):
    """The change is not in the table."""


def check_change(table, old, new):
    """Raise ``ImpossibleChangeError`` unless ``new`` may follow ``old``, or is the same."""
    if new not in table:
        raise ImpossibleChangeError(f"There is no {new!r}; there are {', '.join(table)}.")
    if new != old and new not in table[old]:
        after = ", ".join(sorted(table[old])) or "nothing"
        raise ImpossibleChangeError(f"{new!r} cannot follow {old!r}; after that comes {after}.")


def set_phase(status, phase):
    """Set the phase of a tenant: the only place that does.

    :param status: anything with a writable ``phase``
    :return: whether it changed
    :raise ImpossibleChangeError: the table does not allow it, and nothing was changed
    """
    check_change(PHASE_CHANGES, status.phase, phase)
    if status.phase == phase:
        return False
    status.phase = phase
    return True
