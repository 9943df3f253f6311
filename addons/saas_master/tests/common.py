import json
from itertools import count

from odoo import Command, fields
from odoo.tests import TransactionCase, new_test_user

from ..models import protocol

NOW = "2031-01-01T12:00:00.000Z"
_numbers = count(1)


class SaasCase(TransactionCase):
    """A master with a target, a plan and customers, and the verbs of those who work with it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # What an installation at hand has of its own must not be claimed by tests.
        cls.env["saas.target"].search([]).write({"paused": True})
        cls.env["ir.config_parameter"].set_param("saas.base_domain", "saas.test")
        cls.env["ir.config_parameter"].set_param("saas.paused", False)
        cls.sidecar = cls.env.ref("saas_master.user_sidecar")
        cls.plan = cls._make_plan("Team for tests")
        cls._say_hello()
        cls.target = cls.env["saas.target"].search([("name", "=", "here")])
        cls.server = cls.target.server_ids
        # The template is ready: what tests claim are operations of tenants.
        cls.env["saas.operation"].search([("template_id.server_id", "=", cls.server.id)])._end(
            "done"
        )

    @classmethod
    def _make_plan(cls, name, **values):
        return cls.env["product.template"].create(
            {
                "name": name,
                "type": "service",
                "list_price": 49.0,
                "is_saas_plan": True,
                "saas_users": 10,
                "saas_storage_mb": 1000,
                "saas_module_names": "crm, contacts",
                **values,
            }
        )

    @classmethod
    def _control(cls):
        return cls.env["saas.control"].with_user(cls.sidecar)

    @classmethod
    def _server_info(cls, name, **values):
        return {
            "name": name,
            "target": "here",
            "ready": True,
            "notes": [],
            "max_connections": 1000,
            "max_databases": 100,
            "databases": 1,
            "promised_connections": 12,
            "connections": 5,
            "disk_free_mb": 3_000_000_000,
            "disk_total_mb": 0,
            **values,
        }

    @classmethod
    def _say_hello(cls, servers=(), strays=None, **target):
        info = {
            "protocol": protocol.VERSION,
            "worker": "w1",
            "version": "1.0.0",
            "targets": [
                {
                    "name": "here",
                    "kind": "process",
                    "ready": True,
                    "notes": [],
                    "missing_isolation": ["own uid"],
                    "memory_mb": 8000,
                    "cpu_milli": 2000,
                    "dedicated_servers": False,
                    "checks_isolation": False,
                    **target,
                }
            ],
            "servers": [cls._server_info("pg"), *servers],
            "strays": False if strays is None else strays,
        }
        return cls._control().hello(info=info)

    @classmethod
    def _make_customer(cls, name="Acme", **values):
        number = next(_numbers)
        return cls.env["res.partner"].create(
            {"name": name, "is_company": True, "email": f"boss{number}@acme.example", **values}
        )

    @classmethod
    def _quote(cls, slug, customer=None, plan=None, quantity=1):
        customer = customer or cls._make_customer()
        line = {
            "product_id": (plan or cls.plan).product_variant_id.id,
            "product_uom_qty": quantity,
        }
        return cls.env["sale.order"].create(
            {
                "partner_id": customer.id,
                "saas_slug": slug,
                "order_line": [Command.create(line)],
            }
        )

    @classmethod
    def _sell(cls, slug, **kwargs):
        """The tenant that comes of a confirmed quotation."""
        order = cls._quote(slug, **kwargs)
        order.action_confirm()
        return order.saas_tenant_ids

    def _make_staff(self, group):
        login = f"{group}{next(_numbers)}"
        return new_test_user(
            self.env, login, groups=f"base.group_user,saas_master.group_saas_{group}"
        )

    # As a worker

    def _claim(self, limit=10, worker="w1", request_id=None, lease_s=30, held=()):
        claims = self._control().claim(
            request_id=request_id or f"request-{next(_numbers)}",
            worker=worker,
            targets=["here"],
            limit=limit,
            lease_s=lease_s,
            held=list(held),
        )
        self._assert_wire(claims)
        return claims

    def _claim_one(self, tenant, **kwargs):
        claims = [claim for claim in self._claim(**kwargs) if claim["spec"]["id"] == tenant.ref]
        self.assertEqual(len(claims), 1, f"one claim of {tenant.slug}")
        return claims[0]

    def _report(self, claim, *steps, status=None):
        return self._control().report(
            operation=claim["operation"],
            lease=claim["lease"],
            steps=list(steps),
            status=status or False,
        )["ok"]

    def _finish(self, claim, kind="done", status=None, steps=(), **outcome):
        if kind == "done":
            outcome.setdefault("generation", claim["spec"]["generation"] if "spec" in claim else 0)
        return self._control().finish(
            operation=claim["operation"],
            lease=claim["lease"],
            outcome={"kind": kind, **outcome},
            steps=list(steps),
            status=status or False,
        )["ok"]

    def _step(self, name, state="done", number=1):
        return {
            "number": number,
            "name": name,
            "state": state,
            "started_at": NOW,
            "duration_ms": 12,
            "message": "",
        }

    def _status(self, phase, generation=1, message="", usage=False, additions=()):
        return {
            "phase": phase,
            "generation": generation,
            "message": message,
            "additions": list(additions),
            "usage": usage,
        }

    def _provision(self, tenant):
        """Make it run, as a worker does."""
        claim = self._claim_one(tenant)
        status = self._status("running", claim["spec"]["generation"])
        self.assertTrue(self._finish(claim, status=status))
        self.assertEqual(tenant.phase, "running")
        return claim

    def _let_leases_expire(self):
        running = self.env["saas.operation"].search([("state", "=", "running")])
        running.write({"lease_expires": fields.Datetime.subtract(fields.Datetime.now(), seconds=1)})

    def _open_operations(self, tenant):
        return tenant.operation_ids.filtered(lambda op: op.state in ("queued", "running"))

    def _audit_of(self, tenant, action):
        return self.env["saas.audit.entry"].search(
            [("tenant_ref", "=", tenant.ref), ("action", "=", action)]
        )

    def _assert_wire(self, value):
        """XML-RPC carries it: no None, no large integer, nothing but plain values."""
        self.assertIsNotNone(value, "None is a Fault after the commit")
        if isinstance(value, dict):
            for key, item in value.items():
                self.assertIsInstance(key, str)
                self._assert_wire(item)
        elif isinstance(value, list):
            for item in value:
                self._assert_wire(item)
        elif not isinstance(value, bool):
            self.assertIsInstance(value, int | str)
            if isinstance(value, int):
                self.assertLess(abs(value), 2**31)
        json.dumps(value)
