from odoo import api, fields, models
from odoo.exceptions import ValidationError

from . import slug as slugs


class SaasTenantAddress(models.Model):
    """Where a tenant is found, and which addresses can be had."""

    _inherit = "saas.tenant"

    url = fields.Char("Address", compute="_compute_url")

    @api.depends("host_ids.name", "host_ids.primary", "slug")
    def _compute_url(self):
        for tenant in self:
            # sudo: an address is no secret, and customers have no access to the list of hosts
            hosts = tenant.sudo().host_ids
            primary = hosts.filtered("primary") or hosts
            tenant.url = self._url_of(primary[:1].name or self._host_of(tenant.slug or ""))

    @api.constrains("slug")
    def _check_slug(self):
        for tenant in self:
            problem = slugs.problem_of(tenant.slug)
            if problem:
                raise ValidationError(self._slug_words(problem, tenant.slug))

    @api.model
    def _host_of(self, slug):
        params = self.env["ir.config_parameter"].sudo()
        return f"{slug}.{params.get_param('saas.base_domain', 'localhost')}"

    @api.model
    def _url_of(self, host):
        params = self.env["ir.config_parameter"].sudo()
        scheme = params.get_param("saas.url_scheme", "http")
        port = params.get_param("saas.url_port", "")
        usual = {"http": "80", "https": "443"}.get(scheme)
        return f"{scheme}://{host}" + (f":{port}" if port and port != usual else "")

    @api.model
    def _slug_problem(self, slug, besides=None):
        """Say why a normalized slug cannot be had, in words for the person who wishes it, or ""."""
        problem = slugs.problem_of(slug)
        if not problem and self._slug_is_taken(slug, besides):
            problem = "taken"
        return self._slug_words(problem, slug) if problem else ""

    @api.model
    def _slug_is_taken(self, slug, besides=None):
        # sudo: whether an address is free must not depend on who asks
        own = [("slug", "=", slug), ("released", "=", False)]
        tenants = self.sudo().search(own)
        tenants |= (
            self.env["saas.tenant.host"]
            .sudo()
            .search([("name", "=", self._host_of(slug))])
            .tenant_id
        )
        return bool(tenants - besides if besides else tenants)

    @api.model
    def _slug_words(self, problem, slug):
        if problem == "empty":
            return self.env._("Enter the requested address, such as “acme”.")
        if problem == "not_ascii":
            return self.env._(
                "“%s” has letters that look alike in different alphabets. "
                "Use a to z, digits and hyphens only.",
                slug,
            )
        if problem in ("short", "long"):
            return self.env._(
                "“%(slug)s” has %(length)s characters. Choose an address with %(least)s to "
                "%(most)s.",
                slug=slug,
                length=len(slug),
                least=slugs.SHORTEST,
                most=slugs.LONGEST,
            )
        if problem == "reserved":
            return self.env._(
                "“%(slug)s” is reserved. Choose another address, such as “%(slug)s-odoo”.",
                slug=slug,
            )
        if problem == "taken":
            free = slugs.suggest(slug, self._slug_is_taken)
            return self.env._("“%(slug)s” is taken. “%(free)s” is free.", slug=slug, free=free)
        return self.env._(
            "“%s” cannot be an address. Use small letters, digits and hyphens, "
            "and begin and end with a letter or a digit.",
            slug,
        )
