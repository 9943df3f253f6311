from odoo import Command, api, fields, models
from odoo.exceptions import UserError

UNDER_WAY = ("queued", "running")


class SaasTarget(models.Model):
    """Whether tenants are kept apart on a target: what it says itself, and what a check found."""

    _inherit = "saas.target"

    isolation = fields.Selection(
        [
            ("unchecked", "Not Checked Yet"),
            ("kept", "Isolated"),
            ("not_enforced", "Not Enforced"),
            ("wrong", "Problems Found"),
        ],
        default="unchecked",
        required=True,
        readonly=True,
        help="What the last isolation check found.",
    )
    isolation_checked_at = fields.Datetime("Isolation Checked", readonly=True)
    way_ids = fields.One2many("saas.target.way", "target_id", "Checked Connections", readonly=True)
    is_checking_isolation = fields.Boolean(compute="_compute_is_checking_isolation")
    isolation_verdict = fields.Char("Result", compute="_compute_isolation_words")
    isolation_headline = fields.Char("Isolation Warning", compute="_compute_isolation_words")
    isolation_note = fields.Char(compute="_compute_isolation_words")

    @api.depends("operation_ids.state")
    def _compute_is_checking_isolation(self):
        for target in self:
            target.is_checking_isolation = any(
                operation.kind == "check_isolation" and operation.state in UNDER_WAY
                for operation in target.operation_ids
            )

    @api.depends("missing_isolation", "checks_isolation", "isolation", "way_ids")
    @api.depends_context("lang")
    def _compute_isolation_words(self):
        for target in self:
            target.isolation_verdict = target._isolation_verdict()
            headline, note = target._isolation_warning()
            target.isolation_headline = headline
            target.isolation_note = note

    def _isolation_warning(self):
        """What is weaker than it should be, and what to do about it; "" when all is well."""
        apart = self.env._("Tenants here are not fully isolated from each other.")
        if self.missing_isolation:
            return apart, self.env._("Missing: %s", self.missing_isolation)
        if not self.checks_isolation or self.isolation == "kept":
            return "", ""
        if self.isolation == "unchecked":
            return (
                self.env._("The isolation of tenants has not been checked yet."),
                self.env._(
                    "Use “Check Isolation” on the target's page. It takes less than a minute."
                ),
            )
        if any(way.found == "open" for way in self.way_ids.filtered("is_wrong")):
            return apart, self.isolation_verdict
        return self.env._("Tenants cannot reach a service that they need."), self.isolation_verdict

    def _isolation_verdict(self):
        match self.isolation:
            case "kept":
                return self.env._(
                    "Tenants are isolated: they cannot reach what they must not reach, and what "
                    "they need is reachable."
                )
            case "not_enforced":
                return self.env._(
                    "This cluster does not enforce network policies, so tenants can reach each "
                    "other. Install a network plug-in that enforces them, such as Calico or "
                    "Cilium, then check again."
                )
            case "wrong":
                return " ".join(self._wrong_ways())
        return ""

    def _wrong_ways(self):
        wrong = self.way_ids.filtered("is_wrong")
        leaks = wrong.filtered(lambda way: way.found == "open")
        cuts = wrong - leaks
        if leaks:
            yield self.env._(
                "Reachable, but should be blocked: %s. Look for other network rules that allow it, "
                "then check again.",
                ", ".join(leaks.mapped("display_name")),
            )
        if cuts:
            yield self.env._(
                "Blocked, but should be reachable: %s. Check the addresses and networks in the "
                "sidecar's settings and other network rules, then check again.",
                ", ".join(cuts.mapped("display_name")),
            )

    # The check

    def action_check_isolation(self):
        self.env["saas.tenant"]._check_group("saas_master.group_saas_operator")
        self.check_access("read")
        for target in self.sudo():
            if not target.checks_isolation:
                raise UserError(
                    self.env._(
                        "%s cannot check isolation. Its page says what is missing.",
                        target.name,
                    )
                )
            if target.is_checking_isolation:
                raise UserError(
                    self.env._("A check is already running. Its result will appear here.")
                )
            self.env["saas.audit.entry"]._log(target, "check_isolation")
            target.env["saas.operation"]._queue(
                "check_isolation",
                target=target,
                reason=self.env._("Requested by %s.", self.env.user.name),
            )
        return True

    def _take_isolation(self, ways):
        """Keep what a check found, in the place of what the one before found.

        :param ways: as `protocol.way` has them
        """
        self.ensure_one()
        if not any(way["wanted"] == "shut" for way in ways):
            raise ValueError("ways must have some that should be shut: else nothing was checked.")
        before = self._audit_text("isolation")
        self.write(
            {
                "way_ids": [
                    Command.clear(),
                    *(
                        Command.create(
                            {
                                "origin": way["from"],
                                "aim": way["to"],
                                "aim_name": way["name"],
                                "wanted": way["wanted"],
                                "found": way["found"],
                            }
                        )
                        for way in ways
                    ),
                ],
                "isolation": self._judge(ways),
                "isolation_checked_at": fields.Datetime.now(),
            }
        )
        self.env["saas.audit.entry"]._log(
            self,
            "isolation",
            field="isolation",
            old=before,
            new=self.isolation,
            reason=self.isolation_verdict,
        )
        self.env["saas.fleet"]._notify()

    @api.model
    def _judge(self, ways):
        wrong = [way for way in ways if way["wanted"] != way["found"]]
        if not wrong:
            return "kept"
        # The rules that part tenants are the first that every target makes.
        return "not_enforced" if any(way["to"] == "other_tenant" for way in wrong) else "wrong"
