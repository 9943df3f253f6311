from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from ..models import protocol, wire
from ..models.saas_database_server import COUNTS
from .common import NOW, SaasCase

METHODS = {
    "hello": {"info": {}},
    "claim": {
        "request_id": "r",
        "worker": "w",
        "targets": [],
        "limit": 1,
        "lease_s": 30,
        "held": [],
    },
    "renew": {"leases": [], "lease_s": 30},
    "report": {"operation": 1, "lease": "l", "steps": [], "status": False},
    "finish": {"operation": 1, "lease": "l", "outcome": {}, "steps": [], "status": False},
    "observed": {"tenant": "t", "epoch": 1, "seq": "1", "status": {}},
    "request": {"tenant": "t", "kind": "reconcile", "reason": ""},
    "tenants": {"targets": []},
    "ingest_usage": {"samples": []},
}


@tagged("post_install", "-at_install", "saas_master")
class TestProtocol(SaasCase):
    def test_nobody_but_the_sidecar_may_call_it(self):
        users = [
            self._make_staff("owner"),
            new_test_user(self.env, "protocol_portal", groups="base.group_portal"),
            self.env.ref("base.user_admin"),
        ]
        for user in users:
            control = self.env["saas.control"].with_user(user)
            for method, kwargs in METHODS.items():
                with self.assertRaises(AccessError, msg=f"{user.login} {method}"):
                    getattr(control, method)(**kwargs)

    def test_wrong_arguments_are_told_in_a_sentence(self):
        control = self._control()
        cases = [
            (lambda: control.claim(request="r"), "unknown argument request"),
            (lambda: control.claim("r", "w", [], 1, 30), "without names"),
            (lambda: control.renew(leases=[]), "no lease_s"),
            (lambda: control.renew(leases="all", lease_s=30), "leases must be a list"),
            (lambda: control.renew(leases=[{}], lease_s=30), r"leases\[0\] lacks operation"),
            (lambda: control.renew(leases=[], lease_s=True), "lease_s must be a whole number"),
            (lambda: control.renew(leases=[], lease_s=0), "from 1 to 3600"),
            (lambda: control.tenants(targets=[5], only=False), r"targets\[0\] must be text"),
            (
                lambda: control.request(tenant="t", kind="dance", reason=""),
                "kind must be one of reconcile",
            ),
            (
                lambda: control.finish(
                    operation=1, lease="l", outcome={"kind": "won"}, steps=[], status=False
                ),
                "outcome.kind must be one of done",
            ),
            (
                lambda: control.request(tenant="tnobody", kind="reconcile", reason=""),
                "There is no tenant tnobody",
            ),
        ]
        for call, words in cases:
            with self.assertRaisesRegex(UserError, words):
                call()

    def test_numbers_that_are_too_large_are_carried_as_the_largest(self):
        self.assertEqual(wire.amount(2**40, "x"), 2**31 - 1)
        self.assertEqual(self.server.disk_free_mb, 2**31 - 1)
        with self.assertRaises(ValueError):
            wire.amount(True, "x")

    def test_moments_are_utc(self):
        self.assertEqual(str(wire.moment(NOW, "x")), "2031-01-01 12:00:00")
        with self.assertRaisesRegex(ValueError, "moment such as"):
            wire.moment("noon", "x")

    def test_hello_registers_what_the_sidecar_serves(self):
        answer = self._say_hello(ready=True, notes=["No relay is set."], kind="process")
        self._assert_wire(answer)
        self.assertEqual(answer["protocol"], protocol.VERSION)
        self.assertTrue(answer["confirmed"])
        self.assertTrue(answer["installation"])
        self.assertEqual(self.target.state, "ready")
        self.assertEqual(self.target.note, "No relay is set.")
        self.assertEqual(self.target.missing_isolation, "own uid")
        self.assertEqual(self.server.max_connections, 1000)
        self._say_hello(ready=False)
        self.assertEqual(self.target.state, "not_ready")

    def test_hello_counts_what_waits(self):
        before = self._say_hello()["queued"]
        self._sell("protocol-waits")
        self.assertEqual(self._say_hello()["queued"], before + 1)

    def test_hello_of_another_protocol_registers_nothing(self):
        control = self._control()
        info = {"protocol": 0, "worker": "w", "version": "0", "targets": [], "servers": []}
        info["strays"] = False
        self.assertEqual(control.hello(info=info)["protocol"], protocol.VERSION)

    def test_a_server_of_nobody_is_refused(self):
        info = {"protocol": protocol.VERSION, "worker": "w", "version": "1", "targets": []}
        info["strays"] = False
        server = {"name": "pg", "target": "nowhere", "ready": True, "notes": []}
        info["servers"] = [{**server, **dict.fromkeys(COUNTS, 0)}]
        with self.assertRaisesRegex(UserError, "Tell of a target before"):
            self._control().hello(info=info)

    def test_every_answer_can_be_carried(self):
        tenant = self._sell("protocol-wire")
        claim = self._claim_one(tenant)
        control = self._control()
        lease = {"operation": claim["operation"], "lease": claim["lease"]}
        tenant.banner_text = "Maintenance on Sunday"
        answers = [
            control.renew(leases=[lease], lease_s=30),
            control.tenants(targets=["here"], only=False),
            control.report(**lease, steps=[self._step("route")], status=self._status("running")),
            control.request(tenant=tenant.ref, kind="reconcile", reason="drift"),
            control.ingest_usage(samples=[]),
            control.finish(
                **lease,
                outcome={"kind": "done", "generation": 1},
                steps=[],
                status=self._status(
                    "running", usage={"users": 1, "database_mb": 2, "filestore_mb": 3}
                ),
            ),
            control.observed(
                tenant=tenant.ref, epoch=1, seq="1900000000000000", status=self._status("running")
            ),
        ]
        for answer in answers:
            self.assertIsInstance(answer, dict | list)
            self._assert_wire(answer)

    def test_tenants_are_told_until_they_are_finally_deleted(self):
        tenant = self._sell("protocol-list")
        listed = {row["id"]: row for row in self._control().tenants(targets=["here"], only=False)}
        self.assertEqual(listed[tenant.ref]["desired"], "running")
        self.assertEqual(listed[tenant.ref]["spec"], tenant._spec())
        other = self._sell("protocol-list-other")
        ask = {"targets": ["here"], "only": [other.ref, "tnosuchaaaa"]}
        self.assertEqual([row["id"] for row in self._control().tenants(**ask)], [other.ref])
        tenant._delete("test")
        ids = [row["id"] for row in self._control().tenants(targets=["here"], only=False)]
        self.assertNotIn(tenant.ref, ids)

    def test_a_request_of_the_sidecar_is_audited_and_queued_once(self):
        tenant = self._sell("protocol-request")
        self._provision(tenant)
        for _time in range(2):
            answer = self._control().request(
                tenant=tenant.ref, kind="reconcile", reason="Its Odoo ended by itself."
            )
            self.assertEqual(answer, {"ok": True})
        self.assertEqual(self._open_operations(tenant).mapped("state"), ["queued"])
        self.assertEqual(self._open_operations(tenant).reason, "Its Odoo ended by itself.")
        entry = self._audit_of(tenant, "request")[:1]
        self.assertEqual((entry.actor, entry.reason), ("sidecar", "Its Odoo ended by itself."))
