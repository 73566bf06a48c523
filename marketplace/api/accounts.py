from http import HTTPStatus

from django.conf import settings
from django.contrib.auth import authenticate
from django.urls import path
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, permissions, serializers
from rest_framework.response import Response
from rest_framework.throttling import AnonRateThrottle
from rest_framework.views import APIView

from marketplace.api.fields import OrganisationBrief
from marketplace.models import Membership, User
from marketplace.services import accounts


class OwnMembership(serializers.ModelSerializer):
    organisation = OrganisationBrief()

    class Meta:
        model = Membership
        fields = ("organisation", "role")
        read_only_fields = fields


class MeSerializer(serializers.ModelSerializer):
    memberships = OwnMembership(many=True)

    class Meta:
        model = User
        fields = ("id", "username", "email", "language", "is_staff", "memberships")
        read_only_fields = fields


class LanguageInput(serializers.Serializer):
    language = serializers.ChoiceField(settings.LANGUAGES)


def _me(user) -> dict:
    return MeSerializer(User.objects.prefetch_related("memberships__organisation").get(pk=user.pk)).data


class Me(APIView):
    @extend_schema(responses=MeSerializer)
    def get(self, request):
        """Show who asks, and for which organisations they may act."""
        return Response(_me(request.user))

    @extend_schema(request=LanguageInput, responses=MeSerializer)
    def patch(self, request):
        """Change the language of mails and messages."""
        serializer = LanguageInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        accounts.change_language(user=request.user, **serializer.validated_data)
        return Response(_me(request.user))


class Credentials(serializers.Serializer):
    username = serializers.CharField()
    password = serializers.CharField(trim_whitespace=False, style={"input_type": "password"})


class TokenSerializer(serializers.Serializer):
    token = serializers.CharField(help_text="For the header `Authorization: Token …`; shown this once.")


class GuessThrottle(AnonRateThrottle):
    """Slow down whoever guesses passwords."""

    scope = "tokens"
    rate = "10/min"

    def get_cache_key(self, request, view):
        return self.cache_format % {"scope": self.scope, "ident": self.get_ident(request)}


class TokenCreate(APIView):
    authentication_classes = []
    permission_classes = [permissions.AllowAny]
    throttle_classes = [GuessThrottle]

    @extend_schema(request=Credentials, responses={HTTPStatus.CREATED: TokenSerializer}, auth=[])
    def post(self, request):
        """Exchange user name and password for a token."""
        serializer = Credentials(data=request.data)
        serializer.is_valid(raise_exception=True)
        user = authenticate(request, **serializer.validated_data)
        if user is None:
            raise exceptions.AuthenticationFailed(_("User name and password do not belong together."))
        return Response({"token": accounts.make_token(user=user)}, status=HTTPStatus.CREATED)

    def get_authenticate_header(self, request):
        return "Token"


class TokenRevoke(APIView):
    @extend_schema(responses={HTTPStatus.NO_CONTENT: None})
    def delete(self, request):
        """Make the token of this request worthless; with a session, all of the user's."""
        accounts.revoke_tokens(user=request.user, only=request.auth)
        return Response(status=HTTPStatus.NO_CONTENT)


urlpatterns = [
    path("me/", Me.as_view(), name="api_me"),
    path("tokens/", TokenCreate.as_view(), name="api_token_create"),
    path("tokens/current/", TokenRevoke.as_view(), name="api_token_revoke"),
]
