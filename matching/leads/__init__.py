"""Who is likely to need a supply though they posted nothing: arrays in, scores and reasons out.

What goes in is public or an aggregate: a firm's industry, place, public words and public listings, how often firms of
its kind demand such goods, what the asking firm itself sold to it and wrote about its calls. Nobody's private demands,
offers or orders with others are read; patterns out of them come in as counts over at least five firms.
"""

from matching.leads.book import Book, Firm
from matching.leads.features import FIRM_FEATURES, Asked, firm_features
from matching.leads.model import LeadModel, shipped_model
from matching.leads.projects import PROJECT_FEATURES, Project, Projects, project_features

__all__ = [
    "FIRM_FEATURES",
    "PROJECT_FEATURES",
    "Asked",
    "Book",
    "Firm",
    "LeadModel",
    "Project",
    "Projects",
    "firm_features",
    "project_features",
    "shipped_model",
]
