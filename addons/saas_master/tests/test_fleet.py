from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import TransactionCase, new_test_user, tagged

from ..models.saas_operation_step import STEP_LABELS


@tagged("post_install", "-at_install")
class TestFleet(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.viewer = cls.make_user("viewer")
        cls.operator = cls.make_user("operator")
        cls.owner = cls.make_user("owner")
        cls.target = cls.env["saas.target"].create(
            {
                "name": "fleet-test",
                "kind": "process",
                "ready": True,
                "memory_mb": 8192,
                "cpu_milli": 4000,
                "missing_isolation": "own uid, memory limit",
            }
        )
        cls.server = cls.env["saas.database.server"].create(
            {
                "name": "fleet-test",
                "target_id": cls.target.id,
                "ready": True,
                "max_databases": 100,
                "databases": 80,
                "max_connections": 200,
                "promised_connections": 20,
                "disk_free_mb": 9000,
            }
        )
        cls.plan = cls.env["product.template"].create(
            {
                "name": "Fleet Plan",
                "type": "service",
                "is_saas_plan": True,
                "saas_memory_mb": 2048,
                "saas_cpu_milli": 1500,
            }
        )
        cls.customer = cls.env["res.partner"].create({"name": "Fleet Customer"})

    @classmethod
    def make_user(cls, group):
        return new_test_user(
            cls.env,
            login=f"fleet-{group}",
            groups=f"base.group_user,saas_master.group_saas_{group}",
        )

    def fleet(self, user=None):
        return self.env["saas.fleet"].with_user(user or self.viewer)

    def make_tenant(self, slug, phase="pending"):
        tenant = self.env["saas.tenant"].create(
            {
                "name": slug.title(),
                "slug": slug,
                "partner_id": self.customer.id,
                "plan_id": self.plan.id,
            }
        )
        tenant.write({"target_id": self.target.id, "server_id": self.server.id})
        tenant.status_id.phase = phase
        tenant.operation_ids.write({"state": "done"})
        tenant.operation_ids.flush_recordset()
        return tenant

    def make_operation(self, tenant, state, **values):
        return self.env["saas.operation"].create(
            {"tenant_id": tenant.id, "kind": "reconcile", "state": state, **values}
        )

    def shown(self, operations, operation):
        return next((row for row in operations if row["id"] == operation.id), None)

    def test_tenants_by_phase(self):
        before = {row["name"]: row["count"] for row in self.fleet().get_fleet()["phases"]}
        self.make_tenant("fleet-a", "running")
        self.make_tenant("fleet-b", "running")
        self.make_tenant("fleet-c", "asleep")
        self.make_tenant("fleet-d", "deleted")
        fleet = self.fleet().get_fleet()
        after = {row["name"]: row["count"] for row in fleet["phases"]}
        grown = {
            name: after[name] - count for name, count in before.items() if after[name] != count
        }
        self.assertEqual(
            grown, {"running": 2, "asleep": 1}, "what is deleted is no part of the fleet"
        )
        self.assertEqual(fleet["tenants"], sum(after.values()))

    def test_running_operation_with_its_steps(self):
        tenant = self.make_tenant("fleet-busy", "provisioning")
        started = fields.Datetime.now() - timedelta(seconds=90)
        operation = self.make_operation(
            tenant,
            "running",
            attempt=2,
            started_at=started,
            step_ids=[
                fields.Command.create(
                    {"number": 1, "name": "clone_database", "state": "done", "duration_ms": 220}
                ),
                fields.Command.create({"number": 2, "name": "start_runtime", "state": "running"}),
            ],
        )
        fleet = self.fleet().get_fleet()
        row = self.shown(fleet["running"], operation)
        self.assertEqual(row["subject"], "Fleet-Busy")
        self.assertEqual(row["attempt"], 2)
        self.assertEqual(
            [(step["number"], step["name"], step["state"]) for step in row["steps"]],
            [(1, "clone_database", "done"), (2, "start_runtime", "running")],
        )
        self.assertLess(row["started_at"], fleet["now"], "both are UTC in one form")
        self.assertEqual(set(fleet["step_labels"]), set(STEP_LABELS))

    def test_failure_is_shown_until_something_follows_it(self):
        tenant = self.make_tenant("fleet-broken", "failed")
        self.make_operation(tenant, "failed", message="Long ago.")
        failure = self.make_operation(tenant, "failed", message="The disk is full. Make room.")
        count = self.fleet().get_fleet()["failure_count"]
        fleet = self.fleet().get_fleet()
        self.assertEqual(self.shown(fleet["failures"], failure)["message"], failure.message)
        self.assertEqual(
            [row["subject"] for row in fleet["failures"]].count("Fleet-Broken"),
            1,
            "only the last word on each tenant counts",
        )
        self.make_operation(tenant, "cancelled")
        self.assertTrue(self.shown(self.fleet().get_fleet()["failures"], failure))
        self.fleet(self.operator).retry(failure.id)
        fleet = self.fleet().get_fleet()
        self.assertIsNone(self.shown(fleet["failures"], failure))
        self.assertEqual(fleet["failure_count"], count - 1)
        self.assertIn("Fleet-Broken", [row["subject"] for row in fleet["waiting"]])

    def test_viewer_may_not_retry_nor_pause(self):
        failure = self.make_operation(self.make_tenant("fleet-view", "failed"), "failed")
        for act in (
            lambda: self.fleet().retry(failure.id),
            lambda: self.fleet(self.operator).set_paused(True),
            lambda: self.fleet(self.operator).confirm_installation(),
        ):
            with self.assertRaises(AccessError):
                act()
        self.assertFalse(self.env["saas.control"]._is_paused())

    def test_others_see_nothing(self):
        portal = new_test_user(self.env, login="fleet-portal", groups="base.group_portal")
        colleague = new_test_user(self.env, login="fleet-colleague", groups="base.group_user")
        operation = self.make_operation(self.make_tenant("fleet-secret"), "running")
        for user in (portal, colleague):
            with self.assertRaises(AccessError):
                self.fleet(user).get_fleet()
            with self.assertRaises(AccessError):
                self.fleet(user).get_timeline("saas.operation", operation.id)

    def test_owner_pauses_and_resumes(self):
        self.assertFalse(self.fleet().get_fleet()["paused"])
        self.fleet(self.owner).set_paused(True)
        self.assertTrue(self.fleet().get_fleet()["paused"])
        self.assertTrue(self.env["saas.control"]._is_paused())
        entry = self.env["saas.audit.entry"].search([("field", "=", "saas.paused")], limit=1)
        self.assertEqual(entry.user_name, self.owner.name, "who pulled the brake is written down")
        self.fleet(self.owner).set_paused(False)
        self.assertFalse(self.fleet().get_fleet()["paused"])

    def test_owner_confirms_a_restored_copy(self):
        self.env["ir.config_parameter"].set_param("database.uuid", "another-uuid")
        self.assertFalse(self.fleet().get_fleet()["confirmed"])
        self.fleet(self.owner).confirm_installation()
        self.assertTrue(self.fleet().get_fleet()["confirmed"])

    def test_target_and_server_say_how_full_they_are(self):
        self.make_tenant("fleet-full-a", "running")
        self.make_tenant("fleet-full-b", "running")
        self.make_tenant("fleet-full-c", "asleep")
        fleet = self.fleet().get_fleet()
        target = next(row for row in fleet["targets"] if row["id"] == self.target.id)
        self.assertEqual(target["memory"], {"used": 4096, "of": 8192}, "who sleeps holds no memory")
        self.assertEqual(target["cpu"], {"used": 3000, "of": 4000})
        self.assertEqual(target["running"], 2)
        self.assertIn("not fully isolated", target["isolation_headline"])
        self.assertEqual(target["isolation_note"], "Missing: own uid, memory limit")
        self.assertEqual(target["state"], "ready")
        server = next(row for row in fleet["servers"] if row["id"] == self.server.id)
        self.assertEqual(server["databases"], {"used": 80, "of": 100})
        self.assertEqual(server["connections"], {"used": 20, "of": 200})

    def test_trials_that_end_soon_come_first(self):
        today = fields.Date.context_today(self.env["saas.fleet"].with_user(self.viewer))
        for days in (40, 10, 2):
            self.env["saas.subscription"].create(
                {
                    "partner_id": self.customer.id,
                    "plan_id": self.plan.id,
                    "state": "trial",
                    "trial_end": today + timedelta(days=days),
                }
            )
        trials = self.fleet().get_fleet()["trials"]
        mine = [row["days_left"] for row in trials if row["customer"] == "Fleet Customer"]
        self.assertEqual(mine, [2, 10])

    def test_quotations_with_a_plan_are_counted_once(self):
        before = self.fleet().get_fleet()["first_steps"]["quotations"]
        product = self.plan.product_variant_id
        self.env["sale.order"].create(
            {
                "partner_id": self.customer.id,
                "order_line": [
                    fields.Command.create({"product_id": product.id}),
                    fields.Command.create({"product_id": product.id}),
                ],
            }
        )
        steps = self.fleet().get_fleet()["first_steps"]
        self.assertEqual(steps["quotations"], before + 1)
        self.assertGreaterEqual(steps["plans"], 1)
        self.assertTrue(steps["target_ready"])

    def test_timeline_prefers_what_runs_to_what_waits_to_what_is_over(self):
        tenant = self.make_tenant("fleet-line", "running")
        subject = ("saas.tenant", tenant.id)

        def current():
            return self.fleet().get_timeline(*subject)["operation"]["id"]

        done = self.make_operation(tenant, "done")
        self.assertEqual(current(), done.id)
        running = self.make_operation(tenant, "running")
        waiting = self.make_operation(tenant, "queued")
        self.assertEqual(current(), running.id)
        running.state = "done"
        self.assertEqual(current(), waiting.id)

    def test_timeline_keeps_the_steps_when_what_waited_behind_had_nothing_left_to_do(self):
        tenant = self.make_tenant("fleet-twin", "running")
        step = {"number": 1, "name": "start_runtime", "state": "done"}
        did = self.make_operation(tenant, "done", step_ids=[fields.Command.create(step)])
        self.make_operation(tenant, "done")
        self.assertEqual(self._shown(tenant), did.id)
        failed = self.make_operation(tenant, "failed")
        self.assertEqual(self._shown(tenant), failed.id, "it says why, steps or not")

    def _shown(self, tenant):
        return self.fleet().get_timeline("saas.tenant", tenant.id)["operation"]["id"]

    def test_timeline_says_who_may_retry(self):
        operation = self.make_operation(self.make_tenant("fleet-who", "failed"), "failed")
        subject = ("saas.operation", operation.id)
        self.assertFalse(self.fleet().get_timeline(*subject)["can_retry"])
        self.assertTrue(self.fleet(self.operator).get_timeline(*subject)["can_retry"])

    def test_timeline_of_what_has_none(self):
        with self.assertRaises(UserError):
            self.fleet().get_timeline("res.users", self.viewer.id)
        tenant = self.make_tenant("fleet-new")
        tenant.operation_ids.sudo().unlink()
        self.assertIs(self.fleet().get_timeline("saas.tenant", tenant.id)["operation"], False)
