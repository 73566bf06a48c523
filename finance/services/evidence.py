"""What use cases say to the evidence log; runs, which may not import services, take it from ``finance.runs.evidence``.

Call ``append`` last in the use case: it locks the head of the log until the transaction ends.
"""

from finance.runs.evidence import (
    Entry,
    append,
    append_all,
    consistency_proof,
    consistency_proofs,
    head,
    inclusion_proof,
    inclusion_proofs,
    pseudonym,
    root_at,
)

__all__ = [
    "Entry",
    "append",
    "append_all",
    "consistency_proof",
    "consistency_proofs",
    "head",
    "inclusion_proof",
    "inclusion_proofs",
    "pseudonym",
    "root_at",
]
