"""Papers and codes: values in, bytes out. The same input gives the same bytes, so that a paper's hash can be kept."""

from marketplace.papers.codes import qr_png, qr_svg, read_qr
from marketplace.papers.paper import Paper

__all__ = ["Paper", "qr_png", "qr_svg", "read_qr"]
