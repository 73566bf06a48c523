"""Celery's doorbells."""
