from odoo import api, fields, models
from odoo.exceptions import ValidationError

from . import host_name
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
            problem = self._slug_form_problem(tenant.slug)
            if problem:
                raise ValidationError(self._slug_words(problem, tenant.slug))

    @api.model
    def _base_domain(self):
        return self.env["ir.config_parameter"].sudo().get_param("saas.base_domain", "localhost")

    @api.model
    def _host_of(self, slug):
        return f"{slug}.{self._base_domain()}"

    @api.model
    def _master_hosts(self):
        """Where this Odoo itself is found."""
        # sudo: it is no secret, and not everybody who asks may read all settings
        env = self.sudo().env
        urls = [env["ir.config_parameter"].get_param("web.base.url")]
        urls += env["website"].search([("domain", "!=", False)]).mapped("domain")
        return {host_name.normalize(url) for url in urls if url}

    @api.model
    def _url_of(self, host):
        params = self.env["ir.config_parameter"].sudo()
        scheme = params.get_param("saas.url_scheme", "http")
        port = params.get_param("saas.url_port", "")
        usual = {"http": "80", "https": "443"}.get(scheme)
        return f"{scheme}://{host}" + (f":{port}" if port and port != usual else "")

    @api.model
    def _normalize_slug(self, text):
        """A wished address as it was typed or pasted, made comparable."""
        return slugs.normalize(text, self._base_domain())

    @api.model
    def _slug_problem(self, slug, besides=None):
        """Say why a normalized slug cannot be had, in words for the person who wishes it, or "".

        :param besides: tenants that are not in the way
        """
        problem = self._slug_form_problem(slug)
        if not problem and self._slug_is_taken(slug, besides):
            problem = "taken"
        return self._slug_words(problem, slug) if problem else ""

    @api.model
    def _slug_form_problem(self, slug):
        problem = slugs.problem_of(slug)
        if not problem and self._host_of(slug) in self._master_hosts():
            problem = "reserved"
        return problem

    @api.model
    def _slug_is_taken(self, slug, besides=None):
        return slug in self._slugs_like(slug, besides)

    @api.model
    def _slugs_like(self, base, besides=None):
        """The taken ones that begin like that."""
        # sudo: whether an address is free must not depend on who asks
        others = self.sudo().search([("slug", "=like", f"{base}%"), ("released", "=", False)])
        end = self._host_of("")
        hosts = self.env["saas.tenant.host"].sudo()
        hosts = hosts.search([("name", "=like", f"{base}%{end}")])
        if besides:
            others -= besides
            hosts = hosts.filtered(lambda host: host.tenant_id not in besides)
        return {*others.mapped("slug"), *(host.name.removesuffix(end) for host in hosts)}

    @api.model
    def _free_slug(self, name, besides=None):
        """An address that can be had, made of a name."""
        end = self._host_of("")
        taken = self._slugs_like(slugs.base_of(name), besides)
        taken.update(host.removesuffix(end) for host in self._master_hosts())
        return slugs.suggest(name, taken.__contains__)

    @api.model
    def _slug_words(self, problem, slug):
        if problem == "empty":
            return self.env._("Enter the requested address, such as “acme”.")
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
            free = self._free_slug(slug)
            return self.env._("“%(slug)s” is taken. “%(free)s” is free.", slug=slug, free=free)
        return self.env._(
            "“%(slug)s” cannot be an address, because that has small letters from a to z, digits "
            "and hyphens only. Use “%(free)s”, for example; it is free.",
            slug=slug,
            free=self._free_slug(slug),
        )

    def _host_problem(self, name):
        """Say why a normalized host name can be no address of a tenant, in words, or ""."""
        domain = self._base_domain()
        problem = host_name.problem_of(name)
        if problem:
            return self._host_words(problem, name)
        if name == domain or host_name.is_parent_of(name, domain):
            return self.env._(
                "“%s” belongs to whoever runs this, and leads to more than one Odoo. Use an "
                "address of the customer's, such as odoo.acme.example.",
                name,
            )
        for own in self._master_hosts():
            if name == own or host_name.is_parent_of(name, own):
                return self.env._(
                    "“%s” leads to this Odoo here. Use an address of the customer's, such as "
                    "odoo.acme.example.",
                    name,
                )
        if host_name.is_parent_of(domain, name):
            slug = name.removesuffix(f".{domain}")
            problem = self._slug_form_problem(slug)
            return self._slug_words(problem, slug) if problem else ""
        return self._host_words("local", name) if host_name.is_local(name) else ""

    @api.model
    def _host_words(self, problem, name):
        if problem == "empty":
            return self.env._("Enter the address, such as odoo.acme.example.")
        if problem == "ip_address":
            return self.env._(
                "“%s” is an IP address, or is taken for one by browsers. Use a name, such as "
                "odoo.acme.example.",
                name,
            )
        if problem in ("single", "local"):
            return self.env._(
                "“%s” is known within one network at most. Use a name that the whole Internet "
                "knows, such as odoo.acme.example.",
                name,
            )
        return self.env._("“%s” is not a host name. Write it like odoo.acme.example.", name)
