"""Whoever watches the log: signs what only grew since it last looked, and nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from finance.verify_voucher import Broken, check_signed, verify_consistency
from finance.vouchers.notes import cosign_note


@dataclass
class Watcher:
    """A witness with its key and its memory: size and root of the last checkpoint that it signed.

    ``keys`` is the content of a trust file: origin, key of the log, keys of all witnesses.
    """

    name: str
    key: Ed25519PrivateKey = field(repr=False)
    keys: dict
    size: int = 0
    root: bytes = b""

    def cosign(self, note: str, proof: Sequence[bytes], *, at: int) -> str:
        """Return the line of the co-signature, and remember what was signed.

        :raises Broken: if the log did not sign it, became shorter, or is not what it was
        """
        size, root, _ = check_signed(note, self.keys, 0)
        if size < self.size:
            raise Broken("shorter", old=self.size, new=size)
        if self.size and not verify_consistency(self.size, size, proof, self.root, root):
            raise Broken("rewritten", old=self.size)
        self.size, self.root = size, root
        return cosign_note(note.rpartition("\n\n")[0] + "\n", name=self.name, key=self.key, at=at)
