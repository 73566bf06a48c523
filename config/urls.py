from django.contrib import admin
from django.urls import include, path
from django.views.i18n import set_language

from config.http import healthz

admin.autodiscover()

handler404 = "config.http.page_not_found"

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("language/", set_language, name="set_language"),
    path("admin/", admin.site.urls),
    path("", include("marketplace.urls")),
    path("", include("matching.urls")),
    path("", include("finance.urls")),
]
