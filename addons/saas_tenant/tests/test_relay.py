"""A relay that speaks TLS: real sockets, real certificates, as little SMTP as it takes."""

import base64
import datetime
import smtplib
import socket
import ssl
import tempfile
import threading
from unittest.mock import patch

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from odoo.tests import TransactionCase, tagged

from odoo.addons.base.models.ir_mail_server import IrMail_Server

from .common import OperatedMixin


def self_signed(name):
    """Certificate and key, both PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return (
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )


class Relay:
    """Answers one visitor after the other, and notes which commands came in which clothes."""

    def __init__(self, certificate, key, *, at_once=False, offers_tls=True):
        self.at_once, self.offers_tls = at_once, offers_tls
        self.heard = []
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.NamedTemporaryFile() as file:
            file.write(certificate + key)
            file.flush()
            self.context.load_cert_chain(file.name)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        self.listener.close()

    def _serve(self):
        while True:
            try:
                connection, _address = self.listener.accept()
                with connection:
                    self._talk(connection)
            except ssl.SSLError:
                continue  # a visitor that does not trust us
            except OSError:
                if self.listener.fileno() < 0:
                    return

    def _talk(self, connection):
        secure = self.at_once
        if secure:
            connection = self.context.wrap_socket(connection, server_side=True)
        connection.sendall(b"220 relay\r\n")
        while line := connection.recv(1024):
            command = line.split()[0].decode().upper()
            self.heard.append((command, secure))
            if command == "EHLO":
                offers = b"250-STARTTLS\r\n" if self.offers_tls and not secure else b""
                connection.sendall(b"250-relay\r\n" + offers + b"250 AUTH PLAIN\r\n")
            elif command == "STARTTLS":
                connection.sendall(b"220 go on\r\n")
                connection = self.context.wrap_socket(connection, server_side=True)
                secure = True
            elif command == "AUTH":
                connection.sendall(b"235 welcome\r\n")
            elif command == "QUIT":
                connection.sendall(b"221 bye\r\n")
                return


@tagged("post_install", "-at_install", "saas_tenant")
class TestRelay(OperatedMixin, TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.certificate, cls.key = self_signed("localhost")

    def relay(self, encryption, trusted=None, **how):
        relay = Relay(self.certificate, self.key, at_once=encryption == "ssl", **how)
        self.addCleanup(relay.close)
        self.configure(
            smtp_server="localhost",
            smtp_port=relay.port,
            smtp_user="us",
            smtp_password="secret",
            saas_smtp_encryption=encryption,
            saas_smtp_ca=base64.b64encode(trusted or self.certificate).decode(),
        )
        return relay

    def connect(self):
        with patch.object(IrMail_Server, "_disable_send", return_value=False):
            return self.env["ir.mail_server"]._connect__(smtp_from="a@example.com")

    def test_the_password_travels_encrypted(self):
        for encryption in ("starttls", "ssl"):
            with self.subTest(encryption):
                relay = self.relay(encryption)
                connection = self.connect()
                connection.quit()
                self.assertEqual(connection.smtp_from, "a@example.com")
                self.assertIn(("AUTH", True), relay.heard)
                self.assertNotIn(("AUTH", False), relay.heard)

    def test_a_relay_that_cannot_prove_who_it_is_learns_no_password(self):
        other, _key = self_signed("localhost")
        for encryption in ("starttls", "ssl"):
            with self.subTest(encryption):
                relay = self.relay(encryption, trusted=other)
                with self.assertRaises(ssl.SSLCertVerificationError):
                    self.connect()
                self.assertNotIn("AUTH", [command for command, _secure in relay.heard])

    def test_a_relay_without_tls_learns_no_password(self):
        relay = self.relay("starttls", offers_tls=False)
        with self.assertRaises(smtplib.SMTPNotSupportedError):
            self.connect()
        self.assertNotIn("AUTH", [command for command, _secure in relay.heard])
