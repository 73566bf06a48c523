"""What stands outside and is not ours: receivers of webhooks, robots, an SMS gateway, a mail server. All on loopback."""

import json
import socketserver
import ssl
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

from standardwebhooks import Webhook

CERTIFICATE = Path(__file__).parent / "certificate.pem"


class Fake:
    """A server in a thread of its own, for as long as its ``with`` block lasts."""

    def __init__(self, server: socketserver.BaseServer) -> None:
        self._server = server
        self._server.daemon_threads = True
        self._server.fake = self
        self._thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@dataclass(frozen=True)
class Received:
    """A request as it came in."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict:
        return json.loads(self.body)

    def verified_with(self, secret: str) -> dict:
        """Return the body if the standard's own library accepts the signature (and the time: it must be now)."""
        return Webhook(secret).verify(self.body, self.headers)


@dataclass(frozen=True)
class Says:
    """An answer: at once, after ``seconds``, or without an end, a drop every so many seconds."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0
    drops: int = 0


class _HttpHandler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        fake = self.server.fake
        fake.received.append(Received(self.path, {name.lower(): value for name, value in self.headers.items()}, body))
        says = fake.answers.popleft() if len(fake.answers) > 1 else fake.answers[0]
        with suppress(OSError):  # the sender may have lost patience
            self.say(says)

    def say(self, says: Says) -> None:
        time.sleep(0 if says.drops else says.seconds)
        self.send_response(says.status)
        for name, value in says.headers.items():
            self.send_header(name, value)
        if not says.drops:
            self.send_header("content-length", str(len(says.body)))
        self.end_headers()
        self.wfile.write(says.body)
        for _ in range(says.drops):
            time.sleep(says.seconds)
            self.wfile.write(b".")
            self.wfile.flush()

    def log_message(self, *arguments):
        pass


class HttpReceiver(Fake):
    """A real HTTP server; it gives the ``answers`` in turn, and then the last one for ever.

    With TLS it is ``erp.example.com`` by a certificate that nobody trusts who was not told to.
    """

    def __init__(self, *answers: Says, is_tls: bool = False) -> None:
        super().__init__(ThreadingHTTPServer(("127.0.0.1", 0), _HttpHandler))
        if is_tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(CERTIFICATE)
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.received: list[Received] = []
        self.then(*(answers or [Says()]))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def then(self, *answers: Says) -> None:
        """Answer so from now on."""
        self.answers = deque(answers)


class _MailHandler(socketserver.StreamRequestHandler):
    def handle(self):
        fake = self.server.fake
        self.say("220 fake")
        for line in self.rfile:
            command = line[:4].strip().upper().decode()
            if command in fake.refusals:
                self.say(fake.refusals[command])
            elif command == "DATA":
                self.say("354 go on")
                self.say(fake.take(self.letter()))
            elif command == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 fake")

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())

    def letter(self) -> bytes:
        lines = []
        for line in self.rfile:
            if line == b".\r\n":
                break
            lines.append(line.removeprefix(b"."))
        return b"".join(lines)


class MailServer(Fake):
    """A real SMTP server; ``refusals`` maps a command, or ``LETTER``, to the answer it gets, such as "421 no"."""

    def __init__(self, **refusals: str) -> None:
        super().__init__(socketserver.ThreadingTCPServer(("127.0.0.1", 0), _MailHandler))
        self.received: list[EmailMessage] = []
        self.refusals = refusals

    def take(self, letter: bytes) -> str:
        if "LETTER" in self.refusals:
            return self.refusals["LETTER"]
        self.received.append(message_from_bytes(letter, policy=policy.default))
        return "250 taken"
