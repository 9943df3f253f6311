import re
from types import SimpleNamespace

from odoo.tests import BaseCase, TransactionCase, tagged

from ..models import lifecycle
from ..models.saas_operation_step import STEP_LABELS
from ..models.saas_target_way import PARTY_LABELS
from .sources import read_source


@tagged("post_install", "-at_install", "saas_master")
class TestLifecycle(BaseCase):
    def test_every_phase_is_in_the_table(self):
        self.assertEqual(set(lifecycle.PHASE_CHANGES), set(lifecycle.PHASES))
        for phase, after in lifecycle.PHASE_CHANGES.items():
            self.assertLessEqual(after, set(lifecycle.PHASES), phase)

    def test_nothing_comes_back_to_pending_and_nothing_out_of_deleted(self):
        for phase, after in lifecycle.PHASE_CHANGES.items():
            self.assertNotIn("pending", after, phase)
        self.assertEqual(lifecycle.PHASE_CHANGES["deleted"], set())

    def test_every_phase_but_deleted_can_fail_and_be_deleted(self):
        for phase in set(lifecycle.PHASES) - {"deleted", "deleting", "failed"}:
            self.assertLessEqual({"failed", "deleting"}, lifecycle.PHASE_CHANGES[phase], phase)

    def test_a_phase_is_set_once_and_staying_is_no_change(self):
        status = SimpleNamespace(phase="pending")
        self.assertTrue(lifecycle.set_phase(status, "running"))
        self.assertFalse(lifecycle.set_phase(status, "running"))
        self.assertEqual(status.phase, "running")

    def test_an_impossible_change_says_what_is_possible(self):
        status = SimpleNamespace(phase="deleting")
        with self.assertRaisesRegex(lifecycle.ImpossibleChangeError, "comes deleted, failed"):
            lifecycle.set_phase(status, "running")
        self.assertEqual(status.phase, "deleting")

    def test_an_unknown_phase_is_refused(self):
        with self.assertRaises(lifecycle.ImpossibleChangeError):
            lifecycle.set_phase(SimpleNamespace(phase="running"), "dancing")

    def test_every_subscription_state_has_its_place(self):
        states = {state for state, _label in lifecycle.SUBSCRIPTION_LABELS}
        self.assertEqual(set(lifecycle.SUBSCRIPTION_CHANGES), states)
        self.assertEqual(set(lifecycle.SUBSCRIPTION_DESIRED), states)
        self.assertEqual(lifecycle.SUBSCRIPTION_CHANGES["ended"], set())

    def test_the_sidecar_has_the_same_phases(self):
        source = read_source(self, "sidecar/domain/tenant.ts")
        phases = re.search(r"export const phases = \[(.*?)\]", source, re.DOTALL).group(1)
        self.assertEqual(tuple(re.findall(r'"(\w+)"', phases)), lifecycle.PHASES)

    def test_the_sidecar_has_the_same_wishes(self):
        source = read_source(self, "sidecar/domain/tenant.ts")
        desired = re.search(r"export const desiredStates = \[(.*?)\]", source).group(1)
        names = [name for name, _label in lifecycle.DESIRED_LABELS]
        self.assertEqual(re.findall(r'"(\w+)"', desired), names)

    def test_every_step_of_the_sidecar_has_words(self):
        source = read_source(self, "sidecar/domain/plan.ts")
        steps = re.search(r"export type Step =(.*?)export type StepKind", source, re.DOTALL).group(
            1
        )
        checks = re.search(r"export type CheckStepKind =(.*)", source).group(1)
        kinds = re.findall(r'kind: "(\w+)"', steps) + re.findall(r'"(\w+)"', checks)
        self.assertEqual(set(kinds), set(STEP_LABELS))

    def test_whoever_is_at_an_end_of_a_way_has_words(self):
        source = read_source(self, "sidecar/odoo/port.ts")
        parties = re.search(r"export type Party =(.*?)\n\n", source, re.DOTALL).group(1)
        self.assertEqual(set(re.findall(r'"(\w+)"', parties)), set(PARTY_LABELS))


@tagged("post_install", "-at_install", "saas_master")
class TestPhaseField(TransactionCase):
    def test_the_model_offers_the_phases_of_the_table(self):
        field = self.env["saas.tenant.status"]._fields["phase"]
        self.assertEqual(tuple(name for name, _label in field.selection), lifecycle.PHASES)
