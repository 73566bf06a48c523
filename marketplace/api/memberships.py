from http import HTTPStatus

from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.api.idempotency import CreatingView
from marketplace.models import Invitation, Membership, Organisation
from marketplace.services import memberships


class MembershipSerializer(serializers.ModelSerializer):
    username = serializers.CharField(source="user.username")
    email = serializers.EmailField(source="user.email")

    class Meta:
        model = Membership
        fields = ("id", "organisation", "username", "email", "role", "approval_limit", "created_at")
        read_only_fields = fields


class RoleInput(serializers.Serializer):
    role = serializers.ChoiceField(Membership.Role.choices)


class ApprovalLimitInput(serializers.Serializer):
    approval_limit = serializers.DecimalField(
        max_digits=18, decimal_places=2, min_value=0, allow_null=True, help_text="In CNY; null: no limit."
    )


class InvitationSerializer(serializers.ModelSerializer):
    invited_by = serializers.CharField(source="invited_by.username")

    class Meta:
        model = Invitation
        fields = ("id", "organisation", "email", "role", "invited_by", "created_at", "expires_at")
        read_only_fields = fields


class InvitationInput(RoleInput):
    email = serializers.EmailField()


class InvitationToken(serializers.Serializer):
    token = serializers.CharField(help_text="From the link of the invitation's mail.")


def _owned(request):
    return Organisation.objects.of(request.user, Membership.Role.OWNER)


class MembershipList(APIView):
    @extend_schema(operation_id="members_list", responses=MembershipSerializer(many=True))
    def get(self, request, pk):
        """List the members of an organisation of the user's."""
        organisation = get_object_or_404(Organisation.objects.of(request.user), pk=pk)
        members = organisation.memberships.select_related("user").order_by("pk")
        return Response(MembershipSerializer(members, many=True).data)


class MembershipDetail(APIView):
    @extend_schema(request=RoleInput, responses=MembershipSerializer)
    def patch(self, request, pk):
        """Give a member another role (owners)."""
        membership = get_object_or_404(Membership.objects.filter(organisation__in=_owned(request)), pk=pk)
        serializer = RoleInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        changed = memberships.change_role(membership=membership, by=request.user, **serializer.validated_data)
        return Response(MembershipSerializer(changed).data)

    @extend_schema(responses={HTTPStatus.NO_CONTENT: None})
    def delete(self, request, pk):
        """Take a member out (owners), or leave."""
        mine = Membership.objects.filter(organisation__in=Organisation.objects.of(request.user))
        memberships.remove_member(membership=get_object_or_404(mine, pk=pk), by=request.user, now=timezone.now())
        return Response(status=HTTPStatus.NO_CONTENT)


class MembershipLimit(APIView):
    @extend_schema(request=ApprovalLimitInput, responses=MembershipSerializer)
    def post(self, request, pk):
        """Say up to which total a member sends and accepts offers alone (owners)."""
        membership = get_object_or_404(Membership.objects.filter(organisation__in=_owned(request)), pk=pk)
        serializer = ApprovalLimitInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        limit = serializer.validated_data["approval_limit"]
        changed = memberships.set_approval_limit(membership=membership, limit=limit, by=request.user)
        return Response(MembershipSerializer(changed).data)


class MembershipHandOver(APIView):
    @extend_schema(request=None, responses=MembershipSerializer)
    def post(self, request, pk):
        """Make this member owner in the user's place."""
        membership = get_object_or_404(Membership.objects.filter(organisation__in=_owned(request)), pk=pk)
        memberships.hand_over(membership=membership, by=request.user)
        membership.refresh_from_db()
        return Response(MembershipSerializer(membership).data)


class InvitationList(CreatingView):
    @extend_schema(operation_id="invitations_list", responses=InvitationSerializer(many=True))
    def get(self, request, pk):
        """List the open invitations of an organisation (owners)."""
        organisation = get_object_or_404(_owned(request), pk=pk)
        rows = organisation.invitations.open(timezone.now()).select_related("invited_by").order_by("pk")
        return Response(InvitationSerializer(rows, many=True).data)

    @extend_schema(
        request=InvitationInput,
        responses={HTTPStatus.CREATED: InvitationSerializer},
        examples=[OpenApiExample("A trader", value={"email": "li@example.com", "role": "trader"}, request_only=True)],
    )
    def create(self, request, pk):
        """Invite a person by mail; the link is in the mail alone."""
        organisation = get_object_or_404(_owned(request), pk=pk)
        serializer = InvitationInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        invitation, _token = memberships.invite(
            organisation=organisation, by=request.user, now=timezone.now(), **serializer.validated_data
        )
        return Response(InvitationSerializer(invitation).data, status=HTTPStatus.CREATED)


class InvitationDetail(APIView):
    @extend_schema(responses={HTTPStatus.NO_CONTENT: None})
    def delete(self, request, pk):
        """Make an invitation's link worthless."""
        rows = Invitation.objects.filter(organisation__in=_owned(request)).select_related("organisation")
        memberships.withdraw_invitation(invitation=get_object_or_404(rows, pk=pk), by=request.user, now=timezone.now())
        return Response(status=HTTPStatus.NO_CONTENT)


class InvitationAccept(CreatingView):
    @extend_schema(request=InvitationToken, responses={HTTPStatus.CREATED: MembershipSerializer})
    def create(self, request):
        """Join the organisation that an invitation names."""
        serializer = InvitationToken(data=request.data)
        serializer.is_valid(raise_exception=True)
        membership = memberships.accept_invitation(by=request.user, now=timezone.now(), **serializer.validated_data)
        return Response(MembershipSerializer(membership).data, status=HTTPStatus.CREATED)


urlpatterns = [
    path("organisations/<int:pk>/members/", MembershipList.as_view(), name="api_membership_list"),
    path("members/<int:pk>/", MembershipDetail.as_view(), name="api_membership_detail"),
    path("members/<int:pk>/limit/", MembershipLimit.as_view(), name="api_membership_limit"),
    path("members/<int:pk>/hand-over/", MembershipHandOver.as_view(), name="api_membership_hand_over"),
    path("organisations/<int:pk>/invitations/", InvitationList.as_view(), name="api_invitation_list"),
    path("invitations/accept/", InvitationAccept.as_view(), name="api_invitation_accept"),
    path("invitations/<int:pk>/", InvitationDetail.as_view(), name="api_invitation_detail"),
]
