-- A copy for trying things out never touches a customer's Odoo.
DELETE FROM ir_config_parameter WHERE key = 'saas.paused';
INSERT INTO ir_config_parameter (key, value) VALUES ('saas.paused', 'True');
