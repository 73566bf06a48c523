"""Lines, their changes by two people, and programmes by API."""

from http import HTTPStatus

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.response import Response
from rest_framework.views import APIView

from finance.api.lending import firm_of
from finance.api.lending_serializers import (
    CreditLineInput,
    CreditLineSerializer,
    LendingNoteInput,
    LineChangeInput,
    LineChangeSerializer,
    ProgrammeInvitationInput,
    ProgrammeInvitationSerializer,
)
from finance.models import CreditLine, LineChange, ProgrammeInvitation
from finance.services import line_changes, programmes
from marketplace.api.fields import checked
from marketplace.api.idempotency import CreatingView
from marketplace.api.pages import Pages
from marketplace.models import Organisation


class LineList(generics.ListAPIView):
    """The lines of the reader's firms and banks, and those under the reader's core enterprise."""

    queryset = CreditLine.objects.none()
    serializer_class = CreditLineSerializer
    pagination_class = Pages

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return CreditLine.objects.visible_to(self.request.user).with_names().order_by("path")


class LineDetail(generics.RetrieveAPIView):
    """A line."""

    queryset = CreditLine.objects.none()
    serializer_class = CreditLineSerializer

    def get_queryset(self):
        return CreditLine.objects.visible_to(self.request.user).with_names()


class LineChangeList(CreatingView, generics.ListAPIView):
    """What was proposed of the lines at the reader's banks."""

    queryset = LineChange.objects.none()
    serializer_class = LineChangeSerializer
    pagination_class = Pages

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return LineChange.objects.visible_to(self.request.user).with_names().order_by("-made_at", "-pk")

    @extend_schema(request=CreditLineInput, responses={HTTPStatus.CREATED: LineChangeSerializer})
    def create(self, request):
        """Propose a line to be opened: by the bank's owner or maker, or a programme by its core enterprise's owner."""
        said = dict(checked(CreditLineInput, request))
        named = {name: said.pop(name) for name in ("kind", "limit", "reason")}
        borrower = firm_of(said.pop("borrower", ""), "borrower")
        parent, bank = said.pop("parent", None), None
        if parent:
            parent = get_object_or_404(CreditLine.objects.visible_to(request.user).with_names(), pk=parent)
            bank = parent.bank
        else:
            banks = Organisation.objects.of(request.user, *line_changes.PROPOSING_ROLES)
            bank = get_object_or_404(banks.filter(kind=Organisation.Kind.BANK).order_by("pk")[:1])
        change = line_changes.propose_line(
            bank=bank,
            parent=parent,
            borrower=borrower,
            terms=said,
            **named,
            by=request.user,
            at=timezone.now(),
        )
        return Response(LineChangeSerializer(change).data, status=HTTPStatus.CREATED)


class LineChangePropose(CreatingView):
    @extend_schema(request=LineChangeInput, responses={HTTPStatus.CREATED: LineChangeSerializer})
    def create(self, request, pk):
        """Propose to change a line's limit, to freeze, unfreeze or close it."""
        line = get_object_or_404(CreditLine.objects.of_bank(request.user).with_names(), pk=pk)
        said = checked(LineChangeInput, request)
        change = line_changes.propose_change(line=line, **said, by=request.user, at=timezone.now())
        return Response(LineChangeSerializer(change).data, status=HTTPStatus.CREATED)


class LineChangeConfirm(APIView):
    @extend_schema(request=None, responses=CreditLineSerializer)
    def post(self, request, pk):
        """Confirm what another proposed; the line is answered."""
        rows = LineChange.objects.filter(bank__in=Organisation.objects.of(request.user)).with_names()
        change = get_object_or_404(rows, pk=pk)
        line = line_changes.confirm_change(change=change, by=request.user, at=timezone.now())
        return Response(CreditLineSerializer(CreditLine.objects.with_names().get(pk=line.pk)).data)


class LineChangeRefuse(APIView):
    @extend_schema(request=LendingNoteInput, responses=LineChangeSerializer)
    def post(self, request, pk):
        """Refuse what another proposed, with a reason."""
        rows = LineChange.objects.filter(bank__in=Organisation.objects.of(request.user)).with_names()
        change = get_object_or_404(rows, pk=pk)
        note = checked(LendingNoteInput, request)["note"]
        change = line_changes.refuse_change(change=change, by=request.user, at=timezone.now(), note=note)
        return Response(LineChangeSerializer(change).data)


class ProgrammeInvitations(CreatingView):
    @extend_schema(request=ProgrammeInvitationInput, responses={HTTPStatus.CREATED: ProgrammeInvitationSerializer})
    def create(self, request, pk):
        """Ask a firm into a programme."""
        programme = get_object_or_404(programmes.programmes_of(request.user), pk=pk)
        said = checked(ProgrammeInvitationInput, request)
        invitation = programmes.invite_member(
            programme=programme,
            firm=firm_of(said["firm"], "firm"),
            suggested_limit=said["suggested_limit"],
            by=request.user,
            at=timezone.now(),
        )
        return Response(ProgrammeInvitationSerializer(invitation).data, status=HTTPStatus.CREATED)


class InvitationList(generics.ListAPIView):
    """The invitations into programmes that the reader's organisations made, got or look after."""

    queryset = ProgrammeInvitation.objects.none()
    serializer_class = ProgrammeInvitationSerializer
    pagination_class = Pages

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return ProgrammeInvitation.objects.visible_to(self.request.user).with_names().order_by("-invited_at", "-pk")


class InvitationAct(APIView):
    def answer(self, request, pk, *, accepts: bool):
        rows = ProgrammeInvitation.objects.filter(firm__in=Organisation.objects.of(request.user)).with_names()
        invitation = get_object_or_404(rows, pk=pk)
        invitation = programmes.answer_invitation(
            invitation=invitation, accepts=accepts, by=request.user, at=timezone.now()
        )
        return Response(ProgrammeInvitationSerializer(invitation).data)


class InvitationAccept(InvitationAct):
    @extend_schema(request=None, responses=ProgrammeInvitationSerializer)
    def post(self, request, pk):
        """Say that the firm wants to be in the programme."""
        return self.answer(request, pk, accepts=True)


class InvitationDecline(InvitationAct):
    @extend_schema(request=None, responses=ProgrammeInvitationSerializer)
    def post(self, request, pk):
        """Say that the firm does not want to."""
        return self.answer(request, pk, accepts=False)


class InvitationWithdraw(APIView):
    @extend_schema(request=None, responses=ProgrammeInvitationSerializer)
    def post(self, request, pk):
        """Take an invitation back."""
        rows = ProgrammeInvitation.objects.filter(programme__in=programmes.programmes_of(request.user))
        invitation = get_object_or_404(rows.with_names(), pk=pk)
        invitation = programmes.withdraw_invitation(invitation=invitation, by=request.user, at=timezone.now())
        return Response(ProgrammeInvitationSerializer(invitation).data)
