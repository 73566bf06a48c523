# Celery's shared_task finds its app only if the app is loaded with Django.
from config.celery import app as celery_app

__all__ = ["celery_app"]
