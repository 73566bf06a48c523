from rest_framework.pagination import LimitOffsetPagination


class Pages(LimitOffsetPagination):
    """Fifty rows unless ``limit`` asks for others, never more than five hundred."""

    max_limit = 500
