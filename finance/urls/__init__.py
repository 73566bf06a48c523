from django.urls import path

from finance.urls import applications, covers, evidence, lending, records, scores
from finance.views import home

app_name = "finance"
urlpatterns = [
    path("credit/", home.credit_home, name="credit_home"),
    *applications.urlpatterns,
    *scores.urlpatterns,
    *evidence.urlpatterns,
    *records.urlpatterns,
    *lending.urlpatterns,
    *covers.urlpatterns,
]
