from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import SaasCase


@tagged("post_install", "-at_install")
class TestServers(SaasCase):
    """Several database servers of one target, from the side of those who sell and look after it."""

    def _servers(self, *infos):
        self._say_hello(servers=infos)
        return self.target.server_ids

    def test_tenants_are_spread_and_the_reason_is_kept(self):
        self._servers(self._server_info("two"))
        tenants = [self._sell(f"spread-{n}") for n in range(4)]
        names = [tenant.server_id.name for tenant in tenants]
        self.assertEqual(sorted(names), ["pg", "pg", "two", "two"], "no hello came in between")
        for tenant in tenants:
            self.assertEqual(tenant.template_id.server_id, tenant.server_id)
            self.assertRegex(tenant.placement_reason, "most capacity left of 2 database servers")
            self.assertEqual(tenant._spec()["server"], tenant.server_id.name)
            self.assertEqual(tenant._spec()["database"], "shared")
            reason = self._audit_of(tenant, "write").filtered(
                lambda entry: entry.field == "placement_reason"
            )
            self.assertEqual(reason.new, tenant.placement_reason)

    def test_a_template_is_built_on_each(self):
        plans = self.env["product.template"].search([("is_saas_plan", "=", True)])
        self._servers(self._server_info("two"))
        for plan in plans:
            made = {
                self.env["saas.template"]._get(plan, s).server_id for s in self.target.server_ids
            }
            self.assertEqual(made, set(self.target.server_ids))
        waiting = self.env["saas.template"].search([("server_id.name", "=", "two")])
        self.assertTrue(waiting)
        claims = [claim for claim in self._claim(limit=50) if claim["kind"] == "build_template"]
        self.assertEqual({claim["server"] for claim in claims}, {"two"})

    def test_one_that_is_away_gets_nobody_and_keeps_what_is_known_of_it(self):
        self._servers(self._server_info("two", databases=7))
        self._servers(
            self._server_info("two", ready=False, notes=["Connection refused."], databases=0)
        )
        two = self.target.server_ids.filtered(lambda server: server.name == "two")
        self.assertEqual((two.state, two.databases), ("not_ready", 7))
        self.assertEqual(two.note, "Connection refused.")
        for n in range(3):
            tenant = self._sell(f"away-{n}")
            self.assertEqual(tenant.server_id.name, "pg")
            self.assertRegex(tenant.placement_reason, "only database server with capacity left")

    def test_when_all_are_full_it_says_so_and_goes_on_by_itself(self):
        self.server.write({"max_databases": 1})
        tenant = self._sell("all-full")
        self.assertFalse(tenant.server_id)
        self.assertRegex(tenant.status_id.message, r"full: pg \(no more tenants\).*add one")
        self._say_hello()
        self.assertEqual(tenant.server_id, self.server)
        self.assertFalse(tenant.status_id.message)

    def test_what_the_sidecar_refused_is_begun_again_when_there_is_room(self):
        tenant = self._sell("refused")
        claim = self._claim_one(tenant)
        status = self._status("failed", message="The database server pg is full.")
        self._finish(claim, "failed", reason="The database server pg is full.", status=status)
        self.assertEqual(tenant.message, "The database server pg is full.")
        self._say_hello()
        self.assertFalse(self._open_operations(tenant), "nothing has changed")
        self.server.max_connections = 500
        self._say_hello()
        self.assertRegex(self._open_operations(tenant).reason, "was increased")

    def test_a_larger_plan_that_does_not_fit_is_refused_and_nothing_more_is_promised(self):
        tenants = self._sell("upgrade-one") + self._sell("upgrade-two")
        large = self._make_plan("Large", saas_connections=30)
        # Both have twelve; the first may have twenty more, the second no more.
        self.server.max_connections = 12 + 12 + 20
        tenants[0]._change_plan(large)
        self.assertEqual(tenants[0]._spec()["limits"]["connections"], 30)
        with self.assertRaisesRegex(
            UserError, "pg does not have enough connections: 44 of 44 .* needs 20 more"
        ):
            tenants[1]._change_plan(large)
        with self.assertRaisesRegex(
            UserError, "not have enough connections.* needs 5 more.*max_connections"
        ):
            self.plan.saas_connections = 15
        self.assertEqual(tenants[1]._spec()["limits"]["connections"], 10)
        tenants[0]._change_plan(self._make_plan("Small", saas_connections=5))
        tenants[1]._change_plan(large)

    def test_a_larger_plan_that_the_sidecar_refused_is_given_when_there_is_room(self):
        tenant = self._sell("upgrade-later")
        self._provision(tenant)
        tenant._change_plan(self._make_plan("Larger", saas_connections=30))
        status = self._status("running", generation=tenant.generation, message="It has no room.")
        claim = self._claim_one(tenant)
        self._finish(claim, "failed", reason="It has no room.", status=status)
        self.assertEqual((tenant.phase, tenant.message), ("running", "It has no room."))
        self._say_hello()
        self.assertFalse(self._open_operations(tenant), "nothing has changed")
        self.server.max_connections = 500
        self._say_hello()
        self.assertRegex(self._open_operations(tenant).reason, "was increased")

    def test_staff_is_warned_once_and_the_warning_goes_by_itself(self):
        self._fill(79)
        self.assertEqual(self.server.level, "fine")
        self.assertFalse(self.server.activity_ids)
        for used in (80, 85, 78, 90):
            self._fill(used)
            self.assertEqual(len(self.server.activity_ids), 1, used)
        self.assertEqual(self.server.level, "high")
        self.assertIn("80 of 100 tenants", self.server.activity_ids.note)
        self._fill(100)
        self.assertEqual(self.server.level, "full")
        self._fill(70)
        self.assertFalse(self.server.activity_ids)
        self._fill(81)
        self.assertEqual(len(self.server.activity_ids), 1, "it is news again")

    def _fill(self, databases):
        info = self._server_info("pg", databases=databases, disk_free_mb=90_000)
        self.env["saas.database.server"]._heard_of(info)

    def test_a_plan_with_a_server_of_its_own_is_refused_where_nobody_makes_one(self):
        self.env["saas.target"].search([("name", "!=", "here")]).dedicated_servers = False
        plan = self._make_plan("Premium", saas_database_strategy="dedicated")
        self.assertIn("No target can create", plan.saas_database_note)
        with self.assertRaisesRegex(
            UserError, "“Premium” cannot be delivered: No target can create"
        ):
            self._sell("premium-refused", plan=plan)

    def test_a_plan_with_a_server_of_its_own_is_made_where_one_can(self):
        self._say_hello(dedicated_servers=True)
        plan = self._make_plan("Premium", saas_database_strategy="dedicated")
        self.assertIn("here", plan.saas_database_note)
        self.server.max_databases = 1
        tenant = self._sell("premium", plan=plan)
        self.assertEqual(tenant._spec()["database"], "dedicated")
        self.assertEqual(tenant._spec()["server"], "pg")
        self.assertRegex(tenant.placement_reason, "of its own, which is created on here")
        self.assertNotIn(tenant, self.server.tenant_ids)
        with self.assertRaisesRegex(UserError, "not moved from one to the other yet"):
            tenant._change_plan(self.plan)
