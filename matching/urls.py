from django.urls import path

from matching import api, views

app_name = "matching"
urlpatterns = [
    path("listings/<int:listing_id>/matches/", views.listing_matches, name="listing_matches"),
    path("listings/<int:listing_id>/matches/request/", views.match_run_request, name="match_run_request"),
    path("listings/<int:listing_id>/matches/quotes/", views.match_ask_for_quotes, name="match_ask_for_quotes"),
    path("matches/", views.match_list, name="match_list"),
    path("matches/<int:match_id>/", views.match_detail, name="match_detail"),
    path("matches/<int:match_id>/negotiate/", views.match_negotiate, name="match_negotiate"),
    path("search/", views.search, name="search"),
    path("readyz", views.readyz, name="readyz"),
    path("api/v1/listings/<int:listing_id>/matches/", api.ListingMatches.as_view(), name="api_listing_matches"),
    path("api/v1/search/", api.SearchListings.as_view(), name="api_search"),
]
