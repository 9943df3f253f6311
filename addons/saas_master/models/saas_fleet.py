from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from .saas_operation_report import MANY_TRIES
from .saas_operation_step import STEP_LABELS, utc

# Rows of one list on the page; it says how many more there are, and leads to them.
LIST_LIMIT = 8
# A trial that ends within so many days is worth a call.
TRIAL_DAYS = 14
TIMELINE_FIELDS = {
    "saas.operation": "id",
    "saas.tenant": "tenant_id",
    "saas.template": "template_id",
    "saas.target": "target_id",
}
# A tenant in one of these phases has a process, which holds the memory that its plan promises.
RUNNING_PHASES = ("running", "updating", "provisioning")
# Failures that are the last word on their tenant or template; work called off says nothing.
LAST_WORDS = SQL(
    """(
    SELECT failure.id
      FROM saas_operation failure
     WHERE failure.state IN ('failed', 'set_aside')
       AND NOT EXISTS (
           SELECT FROM saas_operation later
            WHERE later.id > failure.id
              AND later.state <> 'cancelled'
              AND (later.tenant_id = failure.tenant_id
                   OR later.template_id = failure.template_id
                   OR later.target_id = failure.target_id))
    )"""
)


class SaasFleet(models.AbstractModel):
    """What the fleet page and the live steps show and do, with the rights of whoever looks."""

    _name = "saas.fleet"
    _description = "Fleet Overview"

    # What is shown

    @api.model
    def get_fleet(self):
        """The whole fleet page in one answer; `owl-src/fleet/fleet_data.ts` tells its shape."""
        self.env["saas.tenant"]._check_group("saas_master.group_saas_viewer")
        running, running_count = self._operations([("state", "=", "running")], "started_at, id")
        waiting, waiting_count = self._operations([("state", "=", "queued")], "id")
        failures, failure_count = self._failures()
        phases = self._counts("saas.tenant", "phase", [("phase", "!=", "deleted")])
        return {
            "now": utc(fields.Datetime.now()),
            "can_operate": self.env.user.has_group("saas_master.group_saas_operator"),
            "can_own": self.env.user.has_group("saas_master.group_saas_owner"),
            "paused": self.env["saas.control"]._is_paused(),
            "confirmed": self.env["saas.control"]._is_confirmed(),
            "tenants": sum(phase["count"] for phase in phases),
            "phases": phases,
            "step_labels": self._step_labels(),
            "running": running,
            "running_count": running_count,
            "waiting": waiting,
            "waiting_count": waiting_count,
            "failures": failures,
            "failure_count": failure_count,
            "subscriptions": self._subscriptions(),
            "trials": self._trials(),
            "targets": self._targets(),
            "servers": self._servers(),
            "first_steps": self._first_steps(),
        }

    @api.model
    def get_timeline(self, model, res_id):
        """The operation itself, or the running, waiting or last one of a tenant, a template or a
        target.
        """
        self.env["saas.tenant"]._check_group("saas_master.group_saas_viewer")
        if model not in TIMELINE_FIELDS:
            raise UserError(self.env._("No steps for %s.", model))
        self.env[model].browse(res_id).check_access("read")
        subject = [(TIMELINE_FIELDS[model], "=", res_id)]
        Operation = self.env["saas.operation"]
        # What runs comes before what waits behind it, and that before what is over. One that found
        # nothing left to do tells less than the one before it.
        operation = Operation
        tells = ["|", ("step_ids", "!=", False), ("state", "!=", "done")]
        for which in ([("state", "=", "running")], [("state", "=", "queued")], tells, []):
            operation = operation or Operation.search(subject + which, order="id desc", limit=1)
        return {
            "now": utc(fields.Datetime.now()),
            "step_labels": self._step_labels(),
            "operation": self._describe(operation)[0] if operation else False,
            "can_retry": self.env.user.has_group("saas_master.group_saas_operator"),
        }

    # What is done

    @api.model
    def retry(self, operation_id):
        """Try again what failed; the groups are checked where it is done."""
        operation = self.env["saas.operation"].browse(operation_id).exists()
        if not operation:
            raise UserError(self.env._("This operation no longer exists. Reload the page."))
        operation.action_retry()
        return True

    @api.model
    def set_paused(self, paused):
        """Begin nothing new for any tenant, or go on."""
        self.env["saas.tenant"]._check_group("saas_master.group_saas_owner")
        self.env["ir.config_parameter"].sudo().set_param("saas.paused", bool(paused))
        return True

    @api.model
    def confirm_installation(self):
        """Say that this master, and no copy of it, is the one that serves the tenants."""
        self.env["saas.control"]._confirm_installation()
        self._notify()
        return True

    @api.model
    def _notify(self):
        """Open pages look again: something changed that no tenant and no operation tells of."""
        self.env.ref("saas_master.group_saas_viewer").sudo()._bus_send("saas.fleet/changed", {})

    # Parts

    def _step_labels(self):
        return {name: self.env._(label) for name, label in STEP_LABELS.items()}

    def _labels(self, model, field):
        return dict(self.env[model]._fields[field]._description_selection(self.env))

    def _counts(self, model, field, domain):
        """Every value of a selection, in its order, with its words and how many records have it."""
        counts = dict(self.env[model]._read_group(domain, [field], ["__count"]))
        return [
            {"name": name, "label": label, "count": counts.get(name, 0)}
            for name, label in self._labels(model, field).items()
        ]

    def _operations(self, domain, order):
        Operation = self.env["saas.operation"]
        shown = Operation.search(domain, order=order, limit=LIST_LIMIT)
        count = len(shown) if len(shown) < LIST_LIMIT else Operation.search_count(domain)
        return self._describe(shown), count

    def _failures(self):
        """What failed and has not been followed by anything, or is tried in vain: a person has to
        look.
        """
        self.env["saas.operation"].flush_model(["state", "tenant_id", "template_id", "target_id"])
        in_vain = Domain("state", "=", "queued") & Domain("attempt", ">=", MANY_TRIES)
        return self._operations(Domain("id", "in", LAST_WORDS) | in_vain, "id desc")

    def _describe(self, operations):
        intents = self._labels("saas.operation", "intent")
        states = self._labels("saas.operation", "state")
        return [
            {
                **operation._live(),
                "subject": operation.subject,
                "title": intents[operation.intent],
                "state_label": states[operation.state],
                "attempt": operation.attempt,
                "created_at": utc(operation.create_date),
                "ended_at": utc(operation.ended_at),
                "not_before": utc(operation.not_before),
            }
            for operation in operations
        ]

    def _subscriptions(self):
        """Those that hold, by state; states that nobody is in are left out."""
        states = self._counts("saas.subscription", "state", [("state", "!=", "ended")])
        return [state for state in states if state["count"]]

    def _trials(self):
        today = fields.Date.context_today(self)
        trials = self.env["saas.subscription"].search(
            [
                ("state", "=", "trial"),
                ("trial_end", "!=", False),
                ("trial_end", "<=", fields.Date.add(today, days=TRIAL_DAYS)),
            ],
            order="trial_end, id",
            limit=LIST_LIMIT,
        )
        return [
            {
                "id": trial.id,
                "name": trial.name,
                # sudo: names alone, of what another company may have to itself
                "customer": trial.partner_id.sudo().display_name,
                "plan": trial.plan_id.sudo().display_name,
                "trial_end": fields.Date.to_string(trial.trial_end),
                "days_left": (trial.trial_end - today).days,
            }
            for trial in trials
        ]

    def _targets(self):
        targets = self.env["saas.target"].search([])
        # sudo: a target is as full as it is, whichever company's tenants are on it
        promised = {
            target: (memory, cpu, count)
            for target, memory, cpu, count in self.env["saas.tenant"]
            .sudo()
            ._read_group(
                [("phase", "in", RUNNING_PHASES)],
                ["target_id"],
                ["limit_memory_mb:sum", "limit_cpu_milli:sum", "__count"],
            )
        }
        kinds, states = self._labels("saas.target", "kind"), self._labels("saas.target", "state")
        result = []
        for target in targets:
            memory, cpu, running = promised.get(target, (0, 0, 0))
            result.append(
                {
                    "id": target.id,
                    "name": target.name,
                    "kind_label": kinds.get(target.kind, ""),
                    "state": target.state,
                    "state_label": states[target.state],
                    "note": target.note or "",
                    "isolation_headline": target.isolation_headline,
                    "isolation_note": target.isolation_note,
                    "last_hello": utc(target.last_hello),
                    "memory": {"used": memory, "of": target.memory_mb},
                    "cpu": {"used": cpu, "of": target.cpu_milli},
                    "running": running,
                }
            )
        return result

    def _servers(self):
        stored = {
            server: (promised, database + files)
            for server, promised, database, files in self.env["saas.tenant"]
            .sudo()
            ._read_group(
                [("released", "=", False), ("database_strategy", "=", "shared")],
                ["server_id"],
                ["limit_storage_mb:sum", "database_mb:sum", "filestore_mb:sum"],
            )
        }
        none = (0, 0)
        return [
            {
                "id": server.id,
                "name": server.name,
                "target": server.target_id.name,
                "ready": server.ready,
                "note": server.note or "",
                "storage": {
                    "used": stored.get(server, none)[0],
                    "of": server.disk_free_mb and server.disk_free_mb + stored.get(server, none)[1],
                },
                "databases": {"used": server.databases, "of": server.max_databases},
                "connections": {"used": server.promised_connections, "of": server.max_connections},
                "disk_free_mb": server.disk_free_mb,
            }
            for server in self.env["saas.database.server"].search([])
        ]

    def _first_steps(self):
        """What there is to sell and to confirm, whoever looks: counts only, never the records."""
        lines = self.env["sale.order.line"].sudo()
        theirs = ("company_id", "in", [False, *self.env.companies.ids])
        return {
            "target_ready": bool(self.env["saas.target"].search_count([("state", "=", "ready")])),
            "plans": self.env["product.template"]
            .sudo()
            .search_count([("is_saas_plan", "=", True), theirs]),
            "quotations": len(
                lines.search(
                    [
                        ("product_template_id.is_saas_plan", "=", True),
                        ("order_id.state", "in", ("draft", "sent")),
                        theirs,
                    ]
                ).order_id
            ),
        }
