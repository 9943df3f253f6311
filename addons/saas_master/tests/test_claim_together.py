import psycopg2.errors

from odoo import SUPERUSER_ID, api, fields
from odoo.modules.registry import Registry
from odoo.tests import BaseCase, get_db_name, tagged
from odoo.tools import mute_logger


@tagged("post_install", "-at_install", "saas_master")
class TestClaimTogether(BaseCase):
    """Two workers that ask in the same instant, each in a committed transaction of its own."""

    def setUp(self):
        super().setUp()
        self.registry = Registry(get_db_name())
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            self.sidecar = env.ref("saas_master.user_sidecar").id
            target = env["saas.target"].create({"name": "together", "ready": True})
            server = env["saas.database.server"].create(
                {"name": "together", "target_id": target.id, "ready": True}
            )
            release = env["saas.release"].create({"name": "together", "odoo_version": "19.0"})
            templates = env["saas.template"].create(
                [
                    {"key": f"{number:010x}", "release_id": release.id, "server_id": server.id}
                    for number in range(6)
                ]
            )
            templates._build()
            self.ids = {
                "saas.operation": templates.operation_ids.ids,
                "saas.template": templates.ids,
                "saas.database.server": server.ids,
                "saas.target": target.ids,
                "saas.release": release.ids,
            }
        self.addCleanup(self._clean)

    def _clean(self):
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            env["saas.claim.answer"].search([("request_id", "=like", "together%")]).unlink()
            for model, ids in self.ids.items():
                env[model].browse(ids).unlink()

    def _set_brake(self, value):
        """Answers what it was."""
        with self.registry.cursor() as cr:
            params = api.Environment(cr, SUPERUSER_ID, {})["ir.config_parameter"]
            return params.set_param("saas.deletions_per_hour", value)

    def _env(self, cr):
        return api.Environment(cr, self.sidecar, {})

    def _claim(self, env, request, limit=4):
        return env["saas.control"].claim(
            request_id=f"together-{request}",
            worker=request,
            targets=["together"],
            limit=limit,
            lease_s=30,
            held=[],
        )

    def _ids(self, claims):
        return {claim["operation"] for claim in claims}

    def test_nothing_is_handed_out_twice_while_the_other_is_not_committed(self):
        with self.registry.cursor() as one, self.registry.cursor() as two:
            mine = self._ids(self._claim(self._env(one), "one"))
            theirs = self._ids(self._claim(self._env(two), "two"))
        self.assertEqual(len(mine), 4)
        self.assertEqual(len(theirs), 2)
        self.assertFalse(mine & theirs)

    @mute_logger("odoo.sql_db")
    def test_a_snapshot_of_before_hands_out_nothing_twice(self):
        with self.registry.cursor() as one, self.registry.cursor() as two:
            # The snapshot of the second one is taken before the first one commits.
            two.execute("SELECT 1 FROM saas_operation LIMIT 1")
            mine = self._ids(self._claim(self._env(one), "one"))
            one.commit()
            theirs = self._ids(self._claim(self._env(two), "two"))
        self.assertEqual(len(mine), 4)
        self.assertLessEqual(len(theirs), 2)
        self.assertFalse(mine & theirs)

    @mute_logger("odoo.sql_db")
    def test_two_do_not_count_the_same_deletions(self):
        # Nor do they where nobody ever set the brake.
        self.addCleanup(self._set_brake, self._set_brake(False))
        with self.registry.cursor() as one, self.registry.cursor() as two:
            mine = api.Environment(one, SUPERUSER_ID, {})
            theirs = api.Environment(two, SUPERUSER_ID, {})
            two.execute("SELECT 1 FROM saas_operation LIMIT 1")
            first, second = self.ids["saas.operation"][:2]
            now = fields.Datetime.now()
            mine["saas.operation"].browse(first)._pass_brake(now)
            two.execute("SET LOCAL lock_timeout = '100ms'")
            with self.assertRaises(psycopg2.errors.LockNotAvailable):
                theirs["saas.operation"].browse(second)._pass_brake(now)
            one.rollback()
            two.rollback()

    @mute_logger("odoo.sql_db")
    def test_the_same_request_twice_at_once_has_one_answer(self):
        with self.registry.cursor() as one, self.registry.cursor() as two:
            two.execute("SELECT 1 FROM saas_operation LIMIT 1")
            first = self._claim(self._env(one), "same")
            one.commit()
            again = self._claim(self._env(two), "same")
        self.assertEqual(len(first), 4)
        self.assertEqual(again, first)

    @mute_logger("odoo.sql_db")
    def test_a_change_of_what_is_wanted_is_never_lost_between_two_snapshots(self):
        """Whoever queues locks what is queued already: no worker takes it with yesterday's spec."""
        with self.registry.cursor() as person, self.registry.cursor() as worker:
            worker.execute("SELECT 1 FROM saas_operation LIMIT 1")
            template = api.Environment(person, SUPERUSER_ID, {})["saas.template"]
            template = template.browse(self.ids["saas.template"][0])
            template._build("again")
            person.flush()
            queued = template.operation_ids.id
            claimed = self._ids(self._claim(self._env(worker), "while", limit=6))
            self.assertNotIn(queued, claimed, "locked until the change is committed")
            worker.rollback()
            worker.execute("SELECT 1 FROM saas_operation LIMIT 1")
            person.commit()
            claimed = self._ids(self._claim(self._env(worker), "after", limit=6))
            self.assertIn(queued, claimed, "after it, on a snapshot that has the change")
