"""Run before the master starts: writes its odoo.conf and makes its database what this image wants.

An empty database gets saas_master installed, one of an older image is upgraded, and settings that
have changed are written. What is as it should be is left alone, so most starts take seconds.
"""

import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psycopg2

HERE = Path(__file__).resolve().parent
ADDONS = HERE / "addons"
ODOO_ADDONS = Path("/usr/lib/python3/dist-packages")
COMMAND = HERE / "scripts/lib/odoo_own_database.py"
CONFIGURE = HERE / "scripts/lib/configure_master.py"
# Where it is kept what the database was last brought up to.
PREPARED = "saas.prepared"
# PostgreSQL may be starting beside us.
DATABASE_SECONDS = 120
# What a database does not depend on: Odoo reads it from the folder.
NOT_IN_DATABASE = {"__pycache__", "tests", "static", "i18n"}


def main():
    conf = Path(os.environ["ODOO_CONF"])
    write_conf(conf)
    with connected() as connection:
        installed, prepared = read_state(connection)
    code, settings = code_hash(), wanted_settings()
    shown = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
    fresh = not prepared
    if not installed:
        odoo(conf, "server", "-i", "saas_master", "--stop-after-init", "--no-http")
    elif prepared.get("code") != code:
        odoo(conf, "server", "-u", "saas_master", "--stop-after-init", "--no-http")
    if prepared.get("settings") != shown:
        configure(conf, {**settings, "fresh": fresh})
    with connected() as connection:
        write_state(connection, {"code": code, "settings": shown})


def write_conf(path):
    options = {
        "addons_path": ",".join(
            map(str, [ODOO_ADDONS / "odoo/addons", ODOO_ADDONS / "addons", ADDONS])
        ),
        "admin_passwd": secret("odoo-master-password"),
        "data_dir": f"{os.environ['HOME']}/data",
        "db_host": os.environ["PG_HOST"],
        "db_maxconn": 64,
        "db_name": database(),
        "db_password": secret("pg-master-password"),
        "db_port": os.environ["PG_PORT"],
        "db_user": "saas_master",
        "http_interface": "0.0.0.0",
        "http_port": 8069,
        # Else it would execute itself anew for any request of two minutes, such as a language that
        # is installed, and serve nobody meanwhile. What it may take, its pod's limits say.
        "limit_memory_hard": 0,
        "limit_memory_soft": 0,
        "limit_time_real": 0,
        "limit_time_real_cron": 0,
        "list_db": False,
        "max_cron_threads": 1,
        "proxy_mode": True,
        "without_demo": True,
        "workers": 0,
    }
    lines = [f"{name} = {as_read(name, value)}\n" for name, value in options.items()]
    path.touch(mode=0o600)
    path.write_text("[options]\n" + "".join(lines), encoding="utf-8")


def as_read(name, value):
    """The value, which Odoo's parser must read as what it is; sidecar/domain/odoo-options.ts."""
    text = str(value)
    if isinstance(value, bool) or (
        text.isprintable() and text == text.strip() and text not in ("None", "False", "false")
    ):
        return text
    sys.exit(
        f"Odoo would not read the option {name} of odoo.conf as it is: it has blanks around it, or"
        " more than one line, or is a word that stands for nothing there. Change it."
    )


def wanted_settings():
    scheme, port = os.environ["TENANT_URL_SCHEME"], os.environ["TENANT_URL_PORT"]
    silent = {"http": "80", "https": "443"}[scheme]
    address = os.environ["MASTER_HOST"] + ("" if port == silent else f":{port}")
    return {
        "demo": False,
        "admin_password": secret("admin-password"),
        "sidecar_password": secret("sidecar-password"),
        "first_parameters": {"saas.base_domain": os.environ["BASE_DOMAIN"]},
        "parameters": {
            "saas.url_scheme": scheme,
            "saas.url_port": port,
            "web.base.url": f"{scheme}://{address}",
            "web.base.url.freeze": "True",
        },
    }


def configure(conf, settings):
    # The program travels by standard input: what is on a command line, everybody can read.
    start = f"import json\nsettings = json.loads({json.dumps(settings)!r})\n"
    odoo(
        conf,
        "shell",
        "--no-http",
        "--shell-interface=python",
        "--log-level=warn",
        program=start + CONFIGURE.read_text(),
    )


def odoo(conf, command, *arguments, program=""):
    line = [sys.executable, str(COMMAND), command, "-c", str(conf), *arguments]
    ended = subprocess.run(line, input=program, text=True, check=False)
    if ended.returncode:
        sys.exit(
            f"Odoo ({command}) ended with {ended.returncode}; what it said above is the reason."
        )


def code_hash():
    files = sorted(
        path
        for path in (ADDONS / "saas_master").rglob("*")
        if path.is_file() and not NOT_IN_DATABASE.intersection(path.parts)
    )
    digest = hashlib.sha256()
    for path in files:
        digest.update(str(path).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def connected():
    deadline = time.monotonic() + DATABASE_SECONDS
    while True:
        try:
            return psycopg2.connect(
                host=os.environ["PG_HOST"],
                port=os.environ["PG_PORT"],
                dbname=database(),
                user="saas_master",
                password=secret("pg-master-password"),
                connect_timeout=5,
            )
        except psycopg2.OperationalError as error:
            if time.monotonic() > deadline:
                sys.exit(f"PostgreSQL does not let the master in: {error}")
            # Nobody tells when it is there.
            time.sleep(1)


def read_state(connection):
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('ir_module_module'), to_regclass('ir_config_parameter')")
        if None in cursor.fetchone():
            return False, {}
        cursor.execute(
            "SELECT count(*) FROM ir_module_module"
            " WHERE name = 'saas_master' AND state IN ('installed', 'to upgrade')"
        )
        installed = cursor.fetchone()[0] > 0
        cursor.execute("SELECT value FROM ir_config_parameter WHERE key = %s", [PREPARED])
        row = cursor.fetchone()
        return installed, json.loads(row[0]) if row else {}


def write_state(connection, state):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ir_config_parameter (key, value) VALUES (%s, %s)"
            " ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value WHERE"
            " ir_config_parameter.value IS DISTINCT FROM EXCLUDED.value",
            [PREPARED, json.dumps(state)],
        )


def database():
    return os.environ.get("MASTER_DB") or "master"


def secret(name):
    """As the sidecar reads it (sidecar/config-values.ts): all but what ends its line."""
    data = (Path(os.environ["SAAS_SECRETS"]) / name).read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        sys.exit(f"The secret {name} is not written in UTF-8: convert it.")
    return text.removesuffix("\n").removesuffix("\r")


if __name__ == "__main__":
    main()
