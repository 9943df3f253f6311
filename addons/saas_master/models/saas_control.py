"""The control protocol, version 2: all that the sidecar may call. Each method is one transaction.

It travels as XML-RPC: keyword arguments only, no None in an answer, no integer from 2**31 on,
moments as UTC text. `wire` checks what comes in; sidecar/odoo/port.ts has the same in TypeScript.
"""

import functools
import inspect
import logging

import psycopg2.errors

from odoo import api, models
from odoo.exceptions import AccessError, ConcurrencyError, UserError
from odoo.tools import LazyTranslate

from . import protocol, wire
from .each_alone import each_alone
from .saas_operation import KINDS
from .said import Said

_logger = logging.getLogger(__name__)
_lt = LazyTranslate(__name__)

NOT_COUNTED = _lt("Its usage could not be taken over")
NOT_DESCRIBED = _lt("The sidecar could not be told what is wanted of it")

# Under REPEATABLE READ whoever comes second is told so by one of these.
CONFLICTS = (
    psycopg2.errors.SerializationFailure,
    psycopg2.errors.DeadlockDetected,
    psycopg2.errors.UniqueViolation,
    ConcurrencyError,
)
TRIES = 3
MOST_CLAIMS = 50


def protocol_method(give_up=None, **checks):
    """Make a method callable by the sidecar, and by nobody else.

    Whoever comes second in a conflict with somebody else's transaction starts anew at once, on a
    fresh snapshot: Odoo's own way to do so sleeps for up to seconds.

    :param give_up: makes the answer for when it always came second; left out, Odoo goes on trying
    :param checks: for each argument, what `wire` says of it
    """

    def decorate(method):
        @api.model
        @functools.wraps(method)
        def call(self, *args, **kwargs):
            if not self.env.user.has_group("saas_master.group_saas_sidecar"):
                raise AccessError(self.env._("Only the sidecar may call this."))
            try:
                values = _bind(method.__name__, checks, args, kwargs)
            except ValueError as problem:
                raise UserError(str(problem)) from problem
            control = self.sudo().with_context(saas_actor=Said("sidecar"), lang="en_US")
            for left in reversed(range(TRIES)):
                try:
                    answer = method(control, **values)
                    control.env.flush_all()
                    return answer
                except CONFLICTS as conflict:
                    if not left and give_up is None:
                        raise
                    _logger.debug("%s starts anew: %s", method.__name__, conflict)
                    self.env.cr.rollback()
                except ValueError as problem:
                    raise UserError(str(problem)) from problem
            return give_up()

        call.__signature__ = inspect.signature(method)
        return call

    return decorate


def _bind(name, checks, args, kwargs):
    """The arguments of a call, checked.

    :raise ValueError: with a sentence for whoever made the call
    """
    unknown = sorted(set(kwargs) - set(checks))
    missing = sorted(set(checks) - set(kwargs))
    if args or unknown or missing:
        problem = "arguments without names"
        if not args:
            problem = f"the unknown argument {unknown[0]}" if unknown else f"no {missing[0]}"
        raise ValueError(
            f"{name} was called with {problem}; it takes {', '.join(checks)}. "
            "Install the versions of sidecar and saas_master that belong together."
        )
    try:
        return {key: check(kwargs[key], key) for key, check in checks.items()}
    except ValueError as problem:
        raise ValueError(f"{name} does not understand what it was called with: {problem}") from None


class SaasControl(models.AbstractModel):
    _name = "saas.control"
    _description = "Control Protocol"

    @protocol_method(info=protocol.info)
    def hello(self, info):
        """A sidecar says who it is, what it serves and how that is."""
        if info["protocol"] == protocol.VERSION:
            for target in info["targets"]:
                self.env["saas.target"]._heard_of(target)
            for server in info["servers"]:
                self.env["saas.database.server"]._heard_of(server)
            if info["strays"] is not None:
                names = [target["name"] for target in info["targets"]]
                self.env["saas.stray"]._heard_of(names, info["strays"])
            self.env["saas.template"]._ensure_for()
            self.env["saas.tenant"]._place_waiting()
        return {
            "protocol": protocol.VERSION,
            "installation": self._installation(),
            "confirmed": self._is_confirmed(),
            "queued": self.env["saas.operation"].search_count([("state", "=", "queued")]),
        }

    @protocol_method(
        give_up=list,
        request_id=wire.text,
        worker=wire.text,
        targets=wire.texts,
        limit=protocol.positive,
        lease_s=protocol.lease_seconds,
        held=wire.texts,
    )
    def claim(self, request_id, worker, targets, limit, lease_s, held):
        """Lease operations to a worker. Asked again with the same id, it gives the same answer.

        ``held``: leases of what the worker has under way. Those are not given to it once more,
        although they may have run out while the master was too busy to hear of them.
        """
        Answer = self.env["saas.claim.answer"]
        known = Answer._recall(request_id)
        if known is not None:
            # Whoever asks again is alive: leases do not run out while their answer is being lost.
            self.env["saas.operation"]._renew(known, lease_s)
            return known
        if not self._is_confirmed() or self._is_paused():
            return []
        claims = self.env["saas.operation"]._claim(
            worker, targets, min(limit, MOST_CLAIMS), lease_s, held
        )
        if claims:
            Answer._keep(request_id, claims)
        return claims

    @protocol_method(leases=protocol.leases, lease_s=protocol.lease_seconds)
    def renew(self, leases, lease_s):
        """A heartbeat for everything that a worker has under way."""
        return self.env["saas.operation"]._renew(leases, lease_s)

    @protocol_method(
        operation=protocol.positive,
        lease=wire.text,
        steps=protocol.steps,
        status=wire.nullable(protocol.status),
    )
    def report(self, operation, lease, steps, status):
        """Steps and status so far. ``ok`` is false when the lease is somebody else's by now."""
        operation = self.env["saas.operation"]._locked(operation)
        if not operation._is_held(lease):
            return {"ok": False}
        operation._take_report(steps, status)
        return {"ok": True}

    @protocol_method(
        operation=protocol.positive,
        lease=wire.text,
        outcome=protocol.outcome,
        steps=protocol.steps,
        status=wire.nullable(protocol.status),
    )
    def finish(self, operation, lease, outcome, steps, status):
        """The end of an operation, or of this try of it. Safe to repeat."""
        operation = self.env["saas.operation"]._locked(operation)
        if not operation._is_held(lease):
            return {"ok": bool(operation) and bool(lease) and operation.ended_lease == lease}
        operation._take_report(steps, status)
        operation._finish(outcome)
        if operation.tenant_id:
            operation.tenant_id._notify_changed()
        return {"ok": True}

    @protocol_method(tenant=wire.text, epoch=wire.integer, seq=wire.text, status=protocol.status)
    def observed(self, tenant, epoch, seq, status):
        """What was seen outside any operation. ``ok`` is false when something newer is known."""
        if not (seq.isascii() and seq.isdigit()):
            raise ValueError(f"seq must be digits, not {seq!r}.")
        tenant = self._tenant(tenant)
        newer = epoch < tenant.epoch or int(seq) <= int(tenant.seq or 0)
        if newer or tenant.released or tenant._is_worked_on():
            return {"ok": False}
        tenant.status_id.seq = seq
        tenant._observe(status)
        return {"ok": True}

    @protocol_method(
        tenant=wire.text, kind=wire.one_of(tuple(kind for kind, _label in KINDS)), reason=wire.text
    )
    def request(self, tenant, kind, reason):
        """The sidecar found something to do: it crashed, drifted or passed a limit. ``ok`` is false
        where a person has to decide first whether it goes on.
        """
        if kind != "reconcile":
            raise ValueError(
                f"kind must be reconcile, not {kind}: nothing else is asked for this way."
            )
        return {"ok": self._tenant(tenant)._ask_again(reason)}

    @protocol_method(targets=wire.texts, only=wire.nullable(wire.texts))
    def tenants(self, targets, only):
        """Tenants of these targets that are not finally deleted, with what is wanted of them.

        ``only``: those of these ids, or None for all there are.
        """
        placed = [("target_id.name", "in", targets), ("released", "=", False)]
        if only is not None:
            placed.append(("ref", "in", only))
        summaries = []
        each_alone(
            self.env["saas.tenant"].search(placed, order="id"),
            lambda tenant: summaries.append(tenant._summary()),
            NOT_DESCRIBED,
        )
        return summaries

    @protocol_method(samples=protocol.samples)
    def ingest_usage(self, samples):
        """What tenants use, counted from outside; of several samples the youngest counts."""
        youngest = {sample["tenant"]: sample for sample in sorted(samples, key=lambda s: s["at"])}
        counted = [("ref", "in", list(youngest)), ("released", "=", False)]
        tenants = self.env["saas.tenant"].search(counted)
        each_alone(tenants, lambda tenant: tenant._take_usage(youngest[tenant.ref]), NOT_COUNTED)
        return {"ok": True}

    # Which installation this is

    @api.model
    def _installation(self):
        params = self.env["ir.config_parameter"].sudo()
        return params.get_param("saas.installation") or params.get_param("database.uuid") or ""

    @api.model
    def _is_confirmed(self):
        """False in a restored copy, which Odoo gave another uuid, until a person confirms it."""
        params = self.env["ir.config_parameter"].sudo()
        return self._installation() == params.get_param("database.uuid")

    @api.model
    def _remember_installation(self):
        params = self.env["ir.config_parameter"].sudo()
        if not params.get_param("saas.installation"):
            params.set_param("saas.installation", params.get_param("database.uuid"))

    @api.model
    def _confirm_installation(self):
        """A person says that this copy is the one from now on. It takes the identity back under
        which everything was made: with a new one, nothing that runs would be its own any more.
        """
        self.env["saas.tenant"]._check_group("saas_master.group_saas_owner")
        self.env["ir.config_parameter"].sudo().set_param("database.uuid", self._installation())
        self.env["saas.audit.entry"]._log(self.env.user, "confirm_installation")
        self.env["saas.operation"]._nudge()

    @api.model
    def _is_paused(self):
        value = self.env["ir.config_parameter"].sudo().get_param("saas.paused", "")
        return value.lower() in ("true", "1", "yes")

    @api.model
    def _tenant(self, ref):
        tenant = self.env["saas.tenant"].search([("ref", "=", ref)])
        if not tenant:
            raise ValueError(f"There is no tenant {ref}.")
        return tenant
