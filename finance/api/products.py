"""The catalogue of banks, what it means for a firm, and who may decide."""

from http import HTTPStatus

from django.db.models import Q
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import generics, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from finance.models import Authority, CreditProduct
from finance.services import authorities, products
from finance.services.applications import LENDERS
from marketplace.api.fields import OrganisationBrief, checked
from marketplace.api.idempotency import CreatingView
from marketplace.api.pages import Pages
from marketplace.models import Membership, Organisation, User


class CreditProductSerializer(serializers.ModelSerializer):
    bank = OrganisationBrief()

    class Meta:
        model = CreditProduct
        fields = ("id", "bank", *CreditProduct.PROFILE_FIELDS, "is_open", "updated_at")
        read_only_fields = fields


class EligibilityInput(serializers.Serializer):
    """What is absent asks nothing."""

    min_score = serializers.IntegerField(required=False, allow_null=True)
    min_grade = serializers.CharField(required=False, allow_blank=True, max_length=5)
    min_months_of_records = serializers.IntegerField(required=False, allow_null=True)
    min_sales_per_year = serializers.DecimalField(max_digits=18, decimal_places=2, required=False, allow_null=True)
    max_percent_of_sales = serializers.IntegerField(required=False, allow_null=True)
    regions = serializers.ListField(child=serializers.CharField(max_length=6), required=False)
    industries = serializers.ListField(child=serializers.CharField(max_length=4), required=False)
    needs_guarantee = serializers.BooleanField(required=False)
    needs_core_enterprise = serializers.BooleanField(required=False)


class CreditProductInput(serializers.Serializer):
    code = serializers.CharField(max_length=40)
    name_zh = serializers.CharField(max_length=100)
    name_en = serializers.CharField(max_length=100, required=False, allow_blank=True)
    about_zh = serializers.CharField(max_length=2000, required=False, allow_blank=True)
    about_en = serializers.CharField(max_length=2000, required=False, allow_blank=True)
    kind = serializers.ChoiceField(choices=CreditProduct.Kind.choices, required=False)
    min_amount = serializers.DecimalField(max_digits=18, decimal_places=2)
    max_amount = serializers.DecimalField(max_digits=18, decimal_places=2)
    min_days = serializers.IntegerField(required=False)
    max_days = serializers.IntegerField(required=False)
    is_revolving = serializers.BooleanField(required=False)
    repayment_methods = serializers.ListField(child=serializers.CharField(max_length=20))
    base_rate_bp = serializers.IntegerField(required=False)
    spread_bp = serializers.DictField(child=serializers.IntegerField())
    guarantee_discount_bp = serializers.IntegerField(required=False)
    penalty_bp = serializers.IntegerField(required=False)
    eligibility = EligibilityInput(required=False)
    consent_groups = serializers.ListField(child=serializers.CharField(max_length=20), required=False)
    signing = serializers.ChoiceField(choices=CreditProduct.Signing.choices, required=False)
    offered_from = serializers.DateField()
    offered_until = serializers.DateField(required=False, allow_null=True)


class CreditProductCreate(CreditProductInput):
    bank = serializers.PrimaryKeyRelatedField(queryset=Organisation.objects.filter(kind=Organisation.Kind.BANK))


class OpenInput(serializers.Serializer):
    is_open = serializers.BooleanField()


class GroundSerializer(serializers.Serializer):
    code = serializers.CharField()
    is_met = serializers.BooleanField()
    zh = serializers.CharField()
    en = serializers.CharField()


class PriceLineSerializer(serializers.Serializer):
    feature = serializers.CharField()
    bp = serializers.IntegerField()
    zh = serializers.CharField()
    en = serializers.CharField()


class OfferReasonSerializer(serializers.Serializer):
    feature = serializers.CharField()
    points = serializers.FloatField()
    zh = serializers.CharField()
    en = serializers.CharField()


class CreditOfferSerializer(serializers.Serializer):
    """A product as it is for one firm; ``grounds`` that are not met say what is missing."""

    product = CreditProductSerializer()
    fits = serializers.BooleanField()
    points = serializers.FloatField()
    reasons = OfferReasonSerializer(many=True)
    grounds = GroundSerializer(many=True)
    rate_bp = serializers.IntegerField(source="price.rate_bp", default=None, allow_null=True)
    price = PriceLineSerializer(source="price.lines", many=True, default=list)
    most = serializers.DecimalField(max_digits=18, decimal_places=2)
    yearly_cost = serializers.FloatField(allow_null=True)


class AuthoritySerializer(serializers.ModelSerializer):
    bank = OrganisationBrief()
    user = serializers.CharField(source="user.username")
    given_by = serializers.CharField(source="given_by.username")

    class Meta:
        model = Authority
        fields = (
            "id",
            "bank",
            "user",
            "currency",
            "up_to_amount",
            "jointly_up_to",
            "may_override",
            "reference",
            "given_by",
            "given_at",
            "ended_at",
        )
        read_only_fields = fields


class AuthorityInput(serializers.Serializer):
    bank = serializers.PrimaryKeyRelatedField(queryset=Organisation.objects.filter(kind=Organisation.Kind.BANK))
    user = serializers.SlugRelatedField(slug_field="username", queryset=User.objects.all())
    up_to_amount = serializers.DecimalField(max_digits=18, decimal_places=2)
    jointly_up_to = serializers.DecimalField(max_digits=18, decimal_places=2, required=False, allow_null=True)
    may_override = serializers.BooleanField(required=False)
    reference = serializers.CharField(max_length=100, required=False, allow_blank=True)


class CreditProductList(CreatingView, generics.ListAPIView):
    """What banks offer today, and all products of the reader's banks."""

    queryset = CreditProduct.objects.none()
    serializer_class = CreditProductSerializer
    pagination_class = Pages

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        offered = CreditProduct.objects.offered(timezone.localdate()).values("pk")
        mine = CreditProduct.objects.of_bank(self.request.user).values("pk")
        found = CreditProduct.objects.filter(Q(pk__in=offered) | Q(pk__in=mine))
        return found.with_names().order_by("bank", "code")

    @extend_schema(request=CreditProductCreate, responses={HTTPStatus.CREATED: CreditProductSerializer})
    def create(self, request):
        """Add a product to the bank's catalogue; the bank's owner does."""
        said = dict(checked(CreditProductCreate, request))
        bank = said.pop("bank")
        product = products.create_product(bank=bank, fields=said, by=request.user, now=timezone.now())
        return Response(CreditProductSerializer(product).data, status=HTTPStatus.CREATED)


class CreditProductDetail(APIView):
    @extend_schema(responses=CreditProductSerializer)
    def get(self, request, pk):
        """Show a product."""
        offered = CreditProduct.objects.offered(timezone.localdate()).values("pk")
        mine = CreditProduct.objects.of_bank(request.user).values("pk")
        found = CreditProduct.objects.filter(Q(pk__in=offered) | Q(pk__in=mine)).with_names()
        return Response(CreditProductSerializer(get_object_or_404(found, pk=pk)).data)

    @extend_schema(request=CreditProductInput, responses=CreditProductSerializer)
    def put(self, request, pk):
        """Say anew what it is; what was applied for keeps the conditions of its day."""
        product = get_object_or_404(CreditProduct.objects.editable_by(request.user).with_names(), pk=pk)
        said = dict(checked(CreditProductInput, request))
        changed = products.edit_product(product=product, fields=said, by=request.user, now=timezone.now())
        return Response(CreditProductSerializer(changed).data)


class CreditProductOpen(APIView):
    @extend_schema(request=OpenInput, responses=CreditProductSerializer)
    def post(self, request, pk):
        """Offer it, or offer it no longer."""
        product = get_object_or_404(CreditProduct.objects.editable_by(request.user).with_names(), pk=pk)
        said = checked(OpenInput, request)
        changed = products.set_product_open(product=product, by=request.user, now=timezone.now(), **said)
        return Response(CreditProductSerializer(changed).data)


@extend_schema_view(
    get=extend_schema(parameters=[OpenApiParameter("firm", int, required=True, description="A firm of the reader's.")])
)
class CreditOfferList(APIView):
    @extend_schema(operation_id="finance_offers_list", responses=CreditOfferSerializer(many=True))
    def get(self, request):
        """List what banks offer to a firm: what fits first, then what does not, with what is missing."""
        wanted = request.query_params.get("firm", "")
        firms = Organisation.objects.of(request.user, *Membership.COMMON_ROLES).exclude(kind__in=LENDERS)
        firm = get_object_or_404(firms, pk=int(wanted) if wanted.isdigit() else 0)
        found = products.offers_for(firm=firm, now=timezone.now())
        return Response(CreditOfferSerializer(found, many=True).data)


class AuthorityList(CreatingView, generics.ListAPIView):
    """Who may decide up to which amount at the reader's banks, now and before."""

    queryset = Authority.objects.none()
    serializer_class = AuthoritySerializer
    pagination_class = Pages

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return Authority.objects.of_bank(self.request.user).with_names().order_by("-given_at", "-pk")

    @extend_schema(request=AuthorityInput, responses={HTTPStatus.CREATED: AuthoritySerializer})
    def create(self, request):
        """Let a checker confirm up to an amount; the bank's owner does, never for himself."""
        said = {"jointly_up_to": None, **checked(AuthorityInput, request)}
        given = authorities.give_authority(by=request.user, now=timezone.now(), **said)
        return Response(AuthoritySerializer(given).data, status=HTTPStatus.CREATED)


class AuthorityEnd(APIView):
    @extend_schema(request=None, responses=AuthoritySerializer)
    def post(self, request, pk):
        """Take an authority back; what was decided under it stands."""
        found = get_object_or_404(Authority.objects.editable_by(request.user).with_names(), pk=pk)
        ended = authorities.end_authority(authority=found, by=request.user, now=timezone.now())
        return Response(AuthoritySerializer(ended).data)
