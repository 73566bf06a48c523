from django.shortcuts import get_object_or_404
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import generics, permissions, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.models import Category


class CategorySerializer(serializers.ModelSerializer):
    parent = serializers.CharField(source="parent.code", default=None)

    class Meta:
        model = Category
        fields = (
            "code",
            "parent",
            "kind",
            "name_zh",
            "name_en",
            "synonyms_zh",
            "synonyms_en",
            "cluster",
            "family",
            "unit",
            "industry",
            "hs",
        )
        read_only_fields = fields


class CategoryWithSchema(CategorySerializer):
    """A category with the JSON Schema of its attributes."""

    schema = serializers.DictField()

    class Meta(CategorySerializer.Meta):
        fields = (*CategorySerializer.Meta.fields, "schema")
        read_only_fields = fields


class CategoryList(generics.ListAPIView):
    """The whole tree, each category naming its parent."""

    queryset = Category.objects.current().select_related("parent").order_by("code")
    serializer_class = CategorySerializer
    permission_classes = [permissions.AllowAny]
    pagination_class = None
    filterset_fields = ("kind", "cluster", "family")


class CategoryDetail(APIView):
    permission_classes = [permissions.AllowAny]

    @extend_schema(responses=CategoryWithSchema)
    def get(self, request, code):
        """Show a category with the schema of its attributes."""
        category = get_object_or_404(Category.objects.select_related("parent"), code=code)
        return Response(CategoryWithSchema(category).data)


urlpatterns = [
    path("categories/", CategoryList.as_view(), name="api_category_list"),
    path("categories/<str:code>/", CategoryDetail.as_view(), name="api_category_detail"),
]
