"""The ways in which Odoo serves, each made fit for a tenant. Odoo is set up already."""
