"""The far side of a mail line, scripted: a server that answers each command as it is told.

Both protocols are lines of text, so one server does for both. It keeps what it heard.
"""

from __future__ import annotations

import socket
import socketserver
import ssl
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

BREAKS_OFF = "(breaks off)"


class MailLine:
    """An SMTP server (or IMAP, with `is_imap`) on loopback.

    `says` gives the answer to a command by its first word; "." is the end of a mail.
    """

    def __init__(  # noqa: C901 - a server and its two languages
        self,
        says: Mapping[str, str] | None = None,
        *,
        is_imap: bool = False,
        context: ssl.SSLContext | None = None,
        begins_with_tls: bool = False,
    ) -> None:
        self.says = dict(says or {})
        self.heard: list[str] = []
        self.mails: list[bytes] = []
        line = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                if begins_with_tls:
                    assert context is not None
                    try:
                        self._secure(context)
                    except OSError:
                        return
                try:
                    (self._imap if is_imap else self._smtp)()
                finally:
                    self.request.close()

            def _secure(self, context: ssl.SSLContext) -> None:
                self.request = context.wrap_socket(self.request, server_side=True)
                self.rfile = self.request.makefile("rb")
                self.wfile = self.request.makefile("wb", buffering=0)

            def _say(self, answer: str) -> bool:
                if answer == BREAKS_OFF:
                    self.request.shutdown(socket.SHUT_RDWR)
                    return False
                self.wfile.write(answer.encode() + b"\r\n")
                return True

            def _smtp(self) -> None:
                usual = {
                    "EHLO": "250-mail.test\r\n250-8BITMIME\r\n250-SIZE 1000000\r\n"
                    + ("250-STARTTLS\r\n" if context else "")
                    + "250 AUTH PLAIN XOAUTH2",
                    "AUTH": "235 2.7.0 welcome", "MAIL": "250 ok", "RCPT": "250 ok",
                    "DATA": "354 go on", ".": "250 taken", "QUIT": "221 bye",
                    "STARTTLS": "220 go on", "": "235 or not",
                }  # fmt: skip
                answers = usual | line.says
                if not self._say(line.says.get("greeting", "220 mail.test ESMTP")):
                    return
                while raw := self.rfile.readline():
                    command = raw.decode().rstrip("\r\n")
                    line.heard.append(command)
                    word = command.partition(" ")[0].upper()
                    if not self._say(answers.get(word, "500 what?")) or word == "QUIT":
                        return
                    if word == "STARTTLS":
                        assert context is not None
                        self._secure(context)
                    if word == "DATA" and answers["DATA"].startswith("354"):
                        line.mails.append(self._mail())
                        if not self._say(answers["."]):
                            return

            def _mail(self) -> bytes:
                content = b""
                while (raw := self.rfile.readline()) not in {b".\r\n", b""}:
                    content += raw[1:] if raw.startswith(b".") else raw
                return content

            def _imap(self) -> None:
                self._say("* OK ready")
                while raw := self.rfile.readline():
                    command = raw.decode().rstrip("\r\n")
                    line.heard.append(command)
                    tag, _, rest = command.partition(" ")
                    word = rest.partition(" ")[0].upper()
                    if word == "CAPABILITY":
                        self._say("* CAPABILITY IMAP4rev1 IDLE AUTH=XOAUTH2")
                    told = line.says.get(word, "OK done")
                    if word == "AUTHENTICATE":
                        self._say("+ ")
                        line.heard.append(self.rfile.readline().decode().strip())
                    if word == "AUTHENTICATE" and told.startswith("NO"):
                        self._say("+ eyJzdGF0dXMiOiI0MDAifQ==")
                        self.rfile.readline()
                    if told == BREAKS_OFF or word == "LOGOUT":
                        return
                    self._say(f"{tag} {told}")

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = int(self._server.server_address[1])

    def settings(self, protocol: str, security: str = "none") -> dict[str, Any]:
        """What points an account here."""
        return {
            f"{protocol}_host": "localhost",
            f"{protocol}_port": str(self.port),
            f"{protocol}_security": security,
        }

    def __enter__(self) -> Self:
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.01,), daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def certificate(folder: Path, name: str) -> Path:
    """A certificate that a machine gives itself, with its key, in one file."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path
