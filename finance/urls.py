from django.urls import path  # noqa: F401 - the first route takes it

app_name = "finance"
urlpatterns = []
