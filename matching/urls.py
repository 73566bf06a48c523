from django.urls import path

from matching.api.advices import ListingAdvice
from matching.api.matches import ListingMatches
from matching.api.search import SearchListings
from matching.views import advices, health, matches, search

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
    path("search/", search.search, name="search"),
    path("readyz", health.readyz, name="readyz"),
    path("api/v1/listings/<int:listing_id>/advice/", ListingAdvice.as_view(), name="api_listing_advice"),
    path("api/v1/listings/<int:listing_id>/matches/", ListingMatches.as_view(), name="api_listing_matches"),
    path("api/v1/search/", SearchListings.as_view(), name="api_search"),
]
