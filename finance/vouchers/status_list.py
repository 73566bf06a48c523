"""Which vouchers are revoked, one bit each: the status list of draft-ietf-oauth-status-list (Token Status List)."""

import base64
import zlib
from collections.abc import Iterable

# So many at least that one bit tells nothing of whose it is (W3C Bitstring Status List, 4.1).
SMALLEST = 131_072


def encode_status_list(revoked: Iterable[int], *, size: int = SMALLEST) -> str:
    """Return the list as base64url of its zlib stream; bit 0 is the lowest of the first byte.

    >>> encode_status_list([0, 3, 4, 5, 7, 8, 9, 13, 15], size=16)
    'eNrbuRgAAhcBXQ'
    """
    bits = bytearray(-(-size // 8))
    for place in revoked:
        bits[place >> 3] |= 1 << (place & 7)
    return base64.urlsafe_b64encode(zlib.compress(bytes(bits), 9)).rstrip(b"=").decode()
