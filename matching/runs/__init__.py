from matching.runs.indexing import index_listings
from matching.runs.matching import find_matches

__all__ = ["find_matches", "index_listings"]
