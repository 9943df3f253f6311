import hashlib
import json

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import LazyTranslate

from .app_names import app_names
from .each_alone import each_alone

_lt = LazyTranslate(__name__)

UNDER_WAY = ("queued", "running")
NOT_PREPARED = _lt("No template could be prepared for this plan")


class SaasTemplate(models.Model):
    """A ready, never-served database of a release and some apps: tenants are cloned from it."""

    _name = "saas.template"
    _description = "Template"
    _order = "id desc"

    name = fields.Char(compute="_compute_name")
    key = fields.Char(required=True, readonly=True)
    release_id = fields.Many2one("saas.release", required=True, readonly=True, ondelete="restrict")
    module_names = fields.Char("Apps", readonly=True)
    language_codes = fields.Char("Languages", readonly=True)
    server_id = fields.Many2one(
        "saas.database.server", required=True, readonly=True, index=True, ondelete="restrict"
    )
    state = fields.Selection(
        [
            ("pending", "Pending"),
            ("building", "Building"),
            ("ready", "Ready"),
            ("failed", "Failed"),
        ],
        default="pending",
        required=True,
        readonly=True,
    )
    message = fields.Text(readonly=True)
    epoch = fields.Integer(readonly=True, default=0)
    operation_ids = fields.One2many("saas.operation", "template_id", "Operations")

    _key_unique = models.Constraint(
        "UNIQUE(server_id, key)", "This template already exists on this server."
    )

    @api.depends("release_id.name", "module_names")
    @api.depends_context("lang")
    def _compute_name(self):
        for template in self:
            technical = [name for name in (template.module_names or "").split(",") if name]
            apps = ", ".join(app_names(self.env, technical)) or self.env._("no apps")
            template.name = f"{template.release_id.name}: {apps}"

    @api.model
    def _languages(self):
        """Those of the master, without the one that every Odoo has.

        Its customers speak no other, and loading one takes longer than all the rest of a new Odoo.
        """
        return sorted({code for code, _name in self.env["res.lang"].get_installed()} - {"en_US"})

    @api.model
    def _key_of(self, release, modules, languages):
        """Named by what is in it: the same content gives the same key in every master."""
        content = json.dumps([release._fingerprint(), modules, languages])
        return hashlib.sha256(content.encode()).hexdigest()[:10]

    @api.model
    def _get(self, plan, server):
        """The template of a plan on a server; a new one is queued for building."""
        modules = plan._saas_modules()
        languages = self._languages()
        key = self._key_of(plan.saas_release_id, modules, languages)
        template = self.search([("key", "=", key), ("server_id", "=", server.id)])
        if not template:
            template = self.create(
                {
                    "key": key,
                    "release_id": plan.saas_release_id.id,
                    "module_names": ",".join(modules),
                    "language_codes": ",".join(languages),
                    "server_id": server.id,
                }
            )
            template._build()
        return template

    @api.model
    def _for_new(self, plan, server, lang):
        """What a new tenant that speaks ``lang`` is made of: nobody waits for languages of others.

        Until the template of a plan is ready, that is one that differs in its languages only.
        """
        wanted = self._get(plan, server)
        if wanted.state == "ready":
            return wanted
        ready = self.search(
            [("server_id", "=", server.id), ("state", "=", "ready")], order="id desc"
        )
        return ready.filtered(lambda template: template._serves(wanted, lang))[:1] or wanted

    def _serves(self, wanted, lang):
        """Whether this one has the content of the wanted one, and that language."""
        self.ensure_one()
        languages = self._spec()["languages"]
        same = self._key_of(wanted.release_id, wanted._spec()["modules"], languages)
        return self.key == same and lang in ("en_US", *languages)

    @api.model
    def _ensure_for(self, plans=None):
        """Have a template ready on every server before the first customer asks for it.

        :return: those that are to be built now, because nothing was like them
        """
        before = self.search([])
        if plans is None:
            plans = self.env["product.template"].search([("is_saas_plan", "=", True)])
        servers = self.env["saas.database.server"].search([("target_id", "!=", False)])

        def ensure(plan):
            for server in servers:
                self._get(plan, server)

        # sudo: a template is made of what a plan says, whoever wrote it there
        sold = plans.sudo().filtered(lambda plan: plan.is_saas_plan and plan.active)
        each_alone(sold, ensure, NOT_PREPARED)
        return self.search([]) - before

    def _build(self, reason=""):
        for template in self:
            self.env["saas.operation"]._queue("build_template", template=template, reason=reason)
        self.write({"state": "pending", "message": False})

    def action_build(self):
        self.env["saas.tenant"]._check_group("saas_master.group_saas_operator")
        self.check_access("read")
        for template in self:
            if any(operation.state in UNDER_WAY for operation in template.operation_ids):
                raise UserError(self.env._("%s is already being built.", template.name))
        self.env["saas.audit.entry"]._log(self, "build")
        self.sudo()._build(self.env._("Requested by %s.", self.env.user.name))
        return True

    def _spec(self):
        """`TemplateSpec` on the wire."""
        self.ensure_one()
        return {
            "key": self.key,
            "release": self.release_id._spec(),
            "modules": [name for name in (self.module_names or "").split(",") if name],
            "languages": [code for code in (self.language_codes or "").split(",") if code],
        }
