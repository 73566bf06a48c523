"""HTTP to addresses that people typed in: a post that cannot be turned against this machine or its neighbours.

A name is resolved once, each of its addresses is checked, and the connection goes to the address that was checked, so
that a name cannot point elsewhere a moment later. Redirects are not followed. One deadline holds for the whole
exchange: a receiver that answers drop by drop cannot keep a worker.
"""

import functools
import ipaddress
import socket
import ssl
import time
from dataclasses import dataclass
from datetime import timedelta

import httpcore
import httpx
from django.conf import settings
from django.utils.translation import gettext as _

from marketplace.runs.channels.outcome import Outcome, Result

CONNECT_SECONDS = 5
TOTAL_SECONDS = 15
# Other waits end with the whole exchange.
PAUSES = {"timeout": {"connect": CONNECT_SECONDS}}
# Enough of an answer to say what was wrong with a request.
ANSWER_BYTES = 2000
LONGEST_RETRY_AFTER = timedelta(hours=12)
TEMPORARY_STATUSES = {408, 425, 429}
# IPv4 addresses written as IPv6 ones: what counts is where the packets end up.
TRANSLATED = ipaddress.ip_network("64:ff9b::/96")


class AddressRefusedError(Exception):
    """Nothing may be sent to this address; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back: a status, or the error that there was instead of one."""

    status_code: int | None
    text: str = ""
    error: str = ""
    is_refused: bool = False
    duration_ms: int
    retry_after: timedelta | None = None

    def outcome(self) -> Outcome:
        """Judge the answer by its status alone, as webhooks do."""
        if self.status_code is None:
            result = Result.PERMANENT if self.is_refused else Result.TEMPORARY
        elif self.status_code < 300:
            result = Result.DELIVERED
        elif self.status_code == 410:
            result = Result.GONE
        elif self.status_code >= 500 or self.status_code in TEMPORARY_STATUSES:
            result = Result.TEMPORARY
        else:
            result = Result.PERMANENT
        detail = "" if result is Result.DELIVERED else self.error or f"{self.status_code}: {self.text[:200]}".strip()
        return Outcome(
            result=result,
            detail=detail,
            status_code=self.status_code,
            duration_ms=self.duration_ms,
            retry_after=self.retry_after,
        )


def check_url(url: str) -> httpx.URL:
    """Return the parsed address of a receiver.

    :raises AddressRefusedError: if its form alone says that nothing may be sent there
    """
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise AddressRefusedError(_("This is no web address.")) from error
    if parsed.scheme != "https" and not (parsed.scheme == "http" and settings.LOCAL_PROFILE):
        raise AddressRefusedError(_("The address must begin with https://."))
    if not parsed.host:
        raise AddressRefusedError(_("The address names no host."))
    if parsed.userinfo:
        raise AddressRefusedError(_("The address must not carry a user name or a password."))
    try:
        literal = ipaddress.ip_address(parsed.host)
    except ValueError:
        return parsed
    check_address(literal)
    return parsed


def check_address(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    """Let only addresses of the open internet pass; of this machine too where it is a developer's.

    :raises AddressRefusedError: for private, loopback, link-local and other special addresses
    """
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in TRANSLATED:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            check_address(inner)
            return
    if address.is_loopback and settings.LOCAL_PROFILE:
        return
    if not address.is_global or address.is_multicast:
        raise AddressRefusedError(_("%(address)s is no address of the open internet.") % {"address": address})


def _seconds_left(deadline: float, timeout: float | None) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout(f"no whole answer within {TOTAL_SECONDS} s")
    return left if timeout is None else min(left, timeout)


class _Stream(httpcore.NetworkStream):
    """A connection whose every wait ends at the deadline of the whole exchange."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _seconds_left(self._deadline, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _seconds_left(self._deadline, timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(
            self._stream.start_tls(ssl_context, server_hostname, _seconds_left(self._deadline, timeout)), self._deadline
        )

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


class _Network(httpcore.NetworkBackend):
    """Connects to addresses that were checked, and to no others."""

    def __init__(self, *, deadline: float, is_checked: bool) -> None:
        self._deadline = deadline
        self._is_checked = is_checked
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, local_address: str | None = None, socket_options=None
    ) -> httpcore.NetworkStream:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as error:
            raise httpcore.ConnectError(f"{host} was not found: {error}") from error
        addresses = list(dict.fromkeys(entry[4][0] for entry in found))
        if self._is_checked:
            # One bad address among several is enough: a name that mixes them was made to slip through.
            for address in addresses:
                check_address(ipaddress.ip_address(address.partition("%")[0]))
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in addresses:
            try:
                seconds = _seconds_left(self._deadline, timeout)
                stream = self._backend.connect_tcp(address, port, seconds, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _Stream(stream, self._deadline)
        raise failure


@functools.cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context()


def post(url: str, *, content: bytes, headers: dict[str, str], is_operators_own: bool = False) -> Answer:
    """Post and return what came back.

    An address that the platform's operator set (``is_operators_own``) may lie inside; everybody else's may not.
    """
    begun = time.monotonic()
    network = _Network(deadline=begun + TOTAL_SECONDS, is_checked=not is_operators_own)
    try:
        parsed = httpx.URL(url) if is_operators_own else check_url(url)
        with httpcore.ConnectionPool(ssl_context=_tls(), network_backend=network) as pool:
            target = httpcore.URL(
                scheme=parsed.raw_scheme, host=parsed.raw_host, port=parsed.port, target=parsed.raw_path
            )
            everything = {"host": parsed.netloc.decode("ascii"), "user-agent": "industrial-matchmaking", **headers}
            with pool.stream("POST", target, headers=everything, content=content, extensions=PAUSES) as response:
                text = _beginning(response)
                return Answer(
                    status_code=response.status,
                    text=text,
                    duration_ms=_milliseconds_since(begun),
                    retry_after=_retry_after(response.headers),
                )
    except AddressRefusedError as error:
        return Answer(status_code=None, error=str(error), is_refused=True, duration_ms=_milliseconds_since(begun))
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as error:
        reason = f"{type(error).__name__}: {error}".rstrip(": ")
        return Answer(status_code=None, error=reason, duration_ms=_milliseconds_since(begun))


def _beginning(response: httpcore.Response) -> str:
    body = b""
    for chunk in response.iter_stream():
        body += chunk
        if len(body) >= ANSWER_BYTES:
            break
    return body[:ANSWER_BYTES].decode("utf-8", "replace").replace("\x00", "")


def _retry_after(headers: list[tuple[bytes, bytes]]) -> timedelta | None:
    """Return the pause asked for in seconds; the header's other form, a date, is rare and left to our own pauses."""
    for name, value in headers:
        if name.lower() == b"retry-after" and value.strip().isdigit():
            return min(timedelta(seconds=int(value.strip()[:9])), LONGEST_RETRY_AFTER)
    return None


def _milliseconds_since(begun: float) -> int:
    return round(1000 * (time.monotonic() - begun))
