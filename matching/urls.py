from django.urls import path

from matching.api import leads as leads_api
from matching.api.advices import ListingAdvice
from matching.api.matches import ListingMatches
from matching.api.search import SearchListings
from matching.views import (
    advices,
    exposure,
    health,
    leads,
    markets,
    matches,
    models,
    pool_suggestions,
    projects,
    recall,
    search,
)

app_name = "matching"
urlpatterns = [
    path("listings/<int:listing_id>/matches/", matches.listing_matches, name="listing_matches"),
    path("listings/<int:listing_id>/advice/", advices.listing_advice, name="listing_advice"),
    path("listings/<int:listing_id>/advice/apply/", advices.advice_apply, name="advice_apply"),
    path("listings/<int:listing_id>/matches/request/", matches.match_run_request, name="match_run_request"),
    path("listings/<int:listing_id>/matches/quotes/", matches.match_ask_for_quotes, name="match_ask_for_quotes"),
    path("matches/", matches.match_list, name="match_list"),
    path("matches/<int:match_id>/", matches.match_detail, name="match_detail"),
    path("matches/<int:match_id>/negotiate/", matches.match_negotiate, name="match_negotiate"),
    path("leads/supplies/", leads.lead_supply_list, name="lead_supply_list"),
    path("listings/<int:listing_id>/leads/", leads.lead_list, name="lead_list"),
    path("listings/<int:listing_id>/leads/export.<str:suffix>", leads.lead_export, name="lead_export"),
    path("listings/<int:listing_id>/leads/<str:key>/", leads.lead_contact, name="lead_contact"),
    path("listings/<int:listing_id>/leads/<str:key>/invite/", leads.lead_invite, name="lead_invite"),
    path("projects/", projects.project_list, name="project_list"),
    path("projects/<int:pk>/", projects.project_detail, name="project_detail"),
    path("projects/import/", projects.project_import, name="project_import"),
    path("projects/imports/<int:pk>/", projects.project_import_detail, name="project_import_detail"),
    path("projects/template.csv", projects.project_template, name="project_template"),
    path("search/", search.search, name="search"),
    path("desk/models/", models.model_list, name="model_list"),
    path("desk/models/roll-back/", models.model_roll_back, name="model_roll_back"),
    path("desk/models/train/", models.training_request, name="training_request"),
    path("desk/models/<str:version>/", models.model_detail, name="model_detail"),
    path("desk/models/<str:version>/promote/", models.model_promote, name="model_promote"),
    path("desk/replays/", models.replay_create, name="replay_create"),
    path("desk/replays/<int:pk>/", models.replay_detail, name="replay_detail"),
    path("desk/recall/", recall.recall_list, name="recall_list"),
    path("desk/recall/prove/", recall.proof_request, name="proof_request"),
    path("pool-suggestions/", pool_suggestions.pool_suggestion_list, name="pool_suggestion_list"),
    path("pool-suggestions/<int:pk>/", pool_suggestions.pool_suggestion_detail, name="pool_suggestion_detail"),
    path("pool-suggestions/<int:pk>/start/", pool_suggestions.pool_suggestion_start, name="pool_suggestion_start"),
    path(
        "pool-suggestions/<int:pk>/decline/", pool_suggestions.pool_suggestion_decline, name="pool_suggestion_decline"
    ),
    path("desk/markets/", markets.market_list, name="market_list"),
    path("desk/markets/compute/", markets.market_create, name="market_create"),
    path("desk/markets/<int:pk>/", markets.market_detail, name="market_detail"),
    path("desk/markets/<int:pk>/approve/", markets.market_approve, name="market_approve"),
    path("desk/markets/<int:pk>/discard/", markets.market_discard, name="market_discard"),
    path("desk/exposure/", exposure.exposure, name="exposure"),
    path("readyz", health.readyz, name="readyz"),
    path("api/v1/listings/<int:listing_id>/advice/", ListingAdvice.as_view(), name="api_listing_advice"),
    path("api/v1/listings/<int:listing_id>/matches/", ListingMatches.as_view(), name="api_listing_matches"),
    path("api/v1/search/", SearchListings.as_view(), name="api_search"),
    *leads_api.urlpatterns,
]
