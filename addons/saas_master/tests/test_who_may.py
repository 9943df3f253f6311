from contextlib import suppress

from odoo.exceptions import AccessError
from odoo.service.model import call_kw, get_public_method
from odoo.tests import new_test_user, tagged

from .common import SaasCase

SEES = frozenset(["seller", "viewer", "operator", "owner"])
SELLS = frozenset(["seller"])
ACTS = frozenset(["operator", "owner"])
OWNS = frozenset(["owner"])
SIDECAR = frozenset(["sidecar"])
# Odoo's own rights on its own models decide.
ODOO = None

# Who may call each public method that this addon defines.
WHO_MAY = {
    "ir.config_parameter": {"create": ODOO, "write": ODOO, "unlink": ODOO},
    "res.users": {"reset_password": ODOO},
    "res.lang": {"create": ODOO, "write": ODOO},
    "product.template": {"create": ODOO, "write": ODOO},
    "sale.order": {
        "create": ODOO,
        "write": ODOO,
        "action_view_saas_tenants": SELLS,
        "action_use_free_slug": SELLS,
    },
    "sale.order.line": {"write": ODOO},
    "saas.audit.entry": {"write": frozenset()},
    "saas.release": {"create": OWNS, "write": OWNS, "unlink": frozenset()},
    "saas.release.source": {"create": OWNS, "write": OWNS, "unlink": OWNS},
    "saas.target": {
        "create": frozenset(),
        "write": ACTS,
        "unlink": frozenset(),
        "action_check_isolation": ACTS,
    },
    "saas.template": {"action_build": ACTS},
    "saas.stray": {"action_adopt": ACTS, "adopt": ACTS},
    "saas.stray.adopt": {"action_confirm": ACTS},
    "saas.tenant": {
        "create": frozenset(),
        "write": ACTS,
        "unlink": frozenset(),
        # Dialogs
        "action_suspend": ACTS,
        "action_rename": ACTS,
        "action_add_host": ACTS,
        "action_change_plan": ACTS,
        "action_schedule_deletion": ACTS,
        "action_delete_now": OWNS,
        "action_open": ACTS,
        # Commands
        "suspend": ACTS,
        "rename": ACTS,
        "add_host": ACTS,
        "change_plan": ACTS,
        "change_owner": ACTS,
        "action_change_owner": ACTS,
        "schedule_deletion": ACTS,
        "delete_now": OWNS,
        "action_resume": ACTS,
        "action_retry": ACTS,
        "action_cancel_deletion": ACTS,
        "action_pause": ACTS,
        "action_unpause": ACTS,
        # Where numbers lead
        "action_view_operations": SEES,
        "action_view_audit": SEES,
        "action_view_subscription": SEES,
        "action_view_order": SEES,
    },
    "saas.tenant.host": {
        "create": frozenset(),
        "write": frozenset(),
        "unlink": frozenset(),
        "action_make_primary": ACTS,
        "action_remove": ACTS,
    },
    "saas.tenant.suspend": {"action_confirm": ACTS},
    "saas.tenant.rename": {"action_use_free": ACTS, "action_confirm": ACTS},
    "saas.tenant.add.host": {"action_confirm": ACTS},
    "saas.tenant.change.owner": {"action_confirm": ACTS},
    "saas.tenant.change.plan": {"action_confirm": ACTS},
    "saas.tenant.schedule.deletion": {"action_confirm": ACTS},
    "saas.tenant.delete.now": {"action_confirm": OWNS},
    "saas.tenant.open": {"action_confirm": ACTS},
    "saas.subscription": {
        "create": frozenset(),
        "write": ACTS,
        "unlink": frozenset(),
        "action_activate": ACTS,
        "action_set_past_due": ACTS,
        "action_suspend": ACTS,
        "action_end": ACTS,
    },
    "saas.operation": {"action_retry": ACTS, "action_cancel": ACTS},
    "saas.configuration": {"default_get": OWNS, "execute": OWNS, "cancel": OWNS},
    "saas.fleet": {
        "get_fleet": SEES,
        "get_timeline": SEES,
        "retry": ACTS,
        "set_paused": OWNS,
        "confirm_installation": OWNS,
    },
    "saas.control": {
        "hello": SIDECAR,
        "claim": SIDECAR,
        "renew": SIDECAR,
        "report": SIDECAR,
        "finish": SIDECAR,
        "observed": SIDECAR,
        "request": SIDECAR,
        "tenants": SIDECAR,
        "ingest_usage": SIDECAR,
    },
}
CRUD = ("create", "write", "unlink")


@tagged("post_install", "-at_install", "saas_master")
class TestWhoMay(SaasCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        customer = cls._make_customer("Who May")
        portal = new_test_user(cls.env, "who_portal", groups="base.group_portal")
        portal.partner_id.parent_id = customer
        cls.tenant = cls._sell("who-may", customer=customer)
        cls.roles = {
            "public": cls.env.ref("base.public_user"),
            "portal": portal,
            "employee": cls._make("employee", "base.group_user"),
            "seller": cls._make("seller", "sales_team.group_sale_salesman_all_leads"),
            "viewer": cls._make("viewer", "base.group_user,saas_master.group_saas_viewer"),
            "operator": cls._make("operator", "base.group_user,saas_master.group_saas_operator"),
            "owner": cls._make("owner", "base.group_user,saas_master.group_saas_owner"),
            "administrator": cls._make("administrator", "base.group_user,base.group_system"),
            "sidecar": cls.sidecar,
        }
        cls.stray = cls.env["saas.stray"].create(
            {"target_id": cls.target.id, "ref": "tabcdefghij", "database": "shared"}
        )

    @classmethod
    def _make(cls, role, groups):
        return new_test_user(cls.env, f"who_{role}", groups=groups)

    def _ours(self):
        """Every public method that this addon defines, by model, as callers from outside see it."""
        for name, model in self.env.items():
            if name == "saas.audited.mixin":
                continue
            for base in type(model).mro():
                for method, value in vars(base).items():
                    module = getattr(value, "__module__", "") or ""
                    if not callable(value) or not module.startswith("odoo.addons.saas_master."):
                        continue
                    with suppress(AccessError):
                        get_public_method(model, method)
                        yield name, method

    def _arguments(self, model, method):
        """A call that could be meant well."""
        if model == "saas.control":
            return {
                "hello": {"info": {}},
                "claim": {
                    "request_id": "r",
                    "worker": "w",
                    "targets": [],
                    "limit": 1,
                    "lease_s": 1,
                },
                "renew": {"leases": [], "lease_s": 1},
                "report": {"operation": 1, "lease": "x", "steps": [], "status": False},
                "finish": {
                    "operation": 1,
                    "lease": "x",
                    "outcome": {},
                    "steps": [],
                    "status": False,
                },
                "observed": {"tenant": self.tenant.ref, "epoch": 1, "seq": "1", "status": {}},
                "request": {"tenant": self.tenant.ref, "kind": "reconcile", "reason": "x"},
                "tenants": {"targets": [], "only": False},
                "ingest_usage": {"samples": []},
            }[method]
        return {
            ("saas.tenant", "suspend"): {"reason": "By request."},
            ("saas.tenant", "rename"): {"slug": "who-else"},
            ("saas.tenant", "add_host"): {"name": "odoo.who.example"},
            ("saas.tenant", "change_owner"): {
                "owner_id": self.tenant.owner_id.id,
                "first_user_id": False,
                "reason": "Sold.",
            },
            ("saas.tenant", "change_plan"): {"plan_id": self.plan.id},
            ("saas.tenant", "schedule_deletion"): {
                "delete_after": "2031-01-01 00:00:00",
                "reason": "They left.",
            },
            ("saas.tenant", "delete_now"): {"confirmation": "who-may"},
            ("saas.stray", "adopt"): {
                "partner_id": self.tenant.partner_id.id,
                "plan_id": self.plan.id,
                "slug": "who-stray",
            },
            ("saas.fleet", "get_timeline"): {"model": "saas.tenant", "res_id": self.tenant.id},
            ("saas.fleet", "retry"): {"operation_id": self.tenant.operation_ids.id},
            ("saas.fleet", "set_paused"): {"paused": False},
            ("saas.configuration", "default_get"): {"fields_list": ["base_domain"]},
        }.get((model, method), {})

    def _record(self, model, user):
        """The one that is called, made by the caller where it is a dialog of theirs."""
        known = {
            "saas.tenant": self.tenant,
            "saas.tenant.host": self.tenant.host_ids,
            "saas.subscription": self.tenant.subscription_id,
            "saas.operation": self.tenant.operation_ids,
            "saas.target": self.target,
            "saas.template": self.tenant.template_id,
            "saas.stray": self.stray,
            "sale.order": self.tenant.order_id,
        }
        if model in known:
            return known[model]
        values = {
            "saas.stray.adopt": {
                "stray_id": self.stray.id,
                "partner_id": self.tenant.partner_id.id,
                "plan_id": self.plan.id,
                "slug": "who-stray",
            },
            "saas.tenant.suspend": {"tenant_id": self.tenant.id, "reason": "x"},
            "saas.tenant.rename": {"tenant_id": self.tenant.id, "slug": "who-else"},
            "saas.tenant.add.host": {"tenant_id": self.tenant.id, "name": "odoo.who.example"},
            "saas.tenant.change.owner": {"tenant_id": self.tenant.id, "reason": "x"},
            "saas.tenant.change.plan": {"tenant_id": self.tenant.id, "plan_id": self.plan.id},
            "saas.tenant.schedule.deletion": {"tenant_id": self.tenant.id, "reason": "x"},
            "saas.tenant.delete.now": {"tenant_id": self.tenant.id, "confirmation": "who-may"},
            "saas.tenant.open": {"tenant_id": self.tenant.id, "reason": "x"},
            "saas.configuration": {},
        }[model]
        # Made for them, so that not the making, but the method itself refuses.
        return self.env[model].with_user(user).sudo().create(values)

    def _may(self, user, model, method):
        """Whether rights let them call it; what the method then says of the matter is another
        thing.
        """
        called = self.env[model].with_user(user)
        if method in CRUD:
            return called.has_access(method)
        with self.env.cr.savepoint() as savepoint:
            args = []
            if not getattr(get_public_method(called, method), "_api_model", False):
                args = [self._record(model, user).ids]
            self.env.flush_all()
            self.env.invalidate_all()
            try:
                call_kw(called, method, args, self._arguments(model, method))
            except AccessError:
                return False
            except Exception as refusal:
                self.assertIn(
                    "odoo.exceptions", type(refusal).__module__, f"{model}.{method}: {refusal!r}"
                )
            finally:
                savepoint.rollback()
        return True

    def test_every_public_method_is_in_the_table(self):
        there = set(self._ours())
        table = {(model, method) for model, methods in WHO_MAY.items() for method in methods}
        self.assertFalse(there - table, "Say who may call these, or make them private")
        self.assertFalse(table - there, "These are gone")

    def test_each_role_may_call_what_the_table_says(self):
        wrong = []
        for model, methods in WHO_MAY.items():
            for method, allowed in methods.items():
                if allowed is ODOO:
                    continue
                for role, user in self.roles.items():
                    if self._may(user, model, method) != (role in allowed):
                        wrong.append(f"{role}: {model}.{method}")
        self.assertEqual(wrong, [])
