from http import HTTPStatus

from django.db.models import Prefetch
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.response import Response
from rest_framework.views import APIView

from finance.api.cover_serializers import (
    ClaimAnswerInput,
    ClaimDetailSerializer,
    ClaimDocumentsInput,
    ClaimInput,
    ClaimSerializer,
    CoverReasonInput,
    RecoveryInput,
)
from finance.api.covers import STATUS, StatusList
from finance.models import Claim, ClaimEvent, Drawdown, Guarantee, Recovery
from finance.services import claim_answers, claims, recoveries
from finance.services.covers import BANK_CHECKERS, BANK_MAKERS
from finance.services.partner_people import WRITING_ROLES
from marketplace.api.fields import checked
from marketplace.api.idempotency import CreatingView


def _whole(found):
    events = (
        ClaimEvent.objects.select_related("by", "organisation").prefetch_related("attachments").order_by("at", "pk")
    )
    shares = Recovery.objects.select_related("recorded_by", "confirmed_by").order_by("pk")
    return found.with_names().prefetch_related(Prefetch("events", events), Prefetch("recoveries", shares))


def _shown(pk) -> dict:
    return ClaimDetailSerializer(_whole(Claim.objects).get(pk=pk)).data


@STATUS
class ClaimList(CreatingView, StatusList):
    """The claims of the reader's banks, and those filed with the reader's insurers and guarantors."""

    queryset = Claim.objects.none()
    serializer_class = ClaimSerializer

    def visible(self):
        return Claim.objects.visible_to(self.request.user).with_names().order_by("-prepared_at", "-pk")

    @extend_schema(request=ClaimInput, responses={HTTPStatus.CREATED: ClaimDetailSerializer})
    def create(self, request):
        """Prepare a claim as the bank's maker; another person of the bank files it."""
        said = dict(checked(ClaimInput, request))
        mine = Guarantee.objects.of_bank(request.user, *BANK_MAKERS).with_names()
        guarantee = get_object_or_404(mine, pk=said.pop("guarantee"))
        loans = Drawdown.objects.filter(line=guarantee.line_id).exclude(overdue_since=None)
        loan, files = get_object_or_404(loans, pk=said.pop("drawdown")), said.pop("files", [])
        claim = claims.prepare_claim(
            guarantee=guarantee, drawdown=loan, said=said, uploads=files, by=request.user, now=timezone.now()
        )
        return Response(_shown(claim.pk), status=HTTPStatus.CREATED)


class ClaimDetail(generics.RetrieveAPIView):
    """A claim with its timeline and recoveries."""

    queryset = Claim.objects.none()
    serializer_class = ClaimDetailSerializer

    def get_queryset(self):
        return _whole(Claim.objects.visible_to(self.request.user))


class ClaimAct(APIView):
    """What is done to a claim; 409 where its status does not allow it."""

    def act(self, request, pk, service, **said):
        claim = get_object_or_404(Claim.objects.visible_to(request.user).with_names(), pk=pk)
        service(claim=claim, by=request.user, now=timezone.now(), **said)
        return Response(_shown(pk))


class ClaimFile(ClaimAct):
    @extend_schema(request=None, responses=ClaimDetailSerializer)
    def post(self, request, pk):
        """File the claim as the bank's second person."""
        return self.act(request, pk, claims.file_claim)


class ClaimWithdraw(ClaimAct):
    @extend_schema(request=CoverReasonInput, responses=ClaimDetailSerializer)
    def post(self, request, pk):
        """Withdraw the claim, with a reason."""
        return self.act(request, pk, claims.withdraw_claim, reason=checked(CoverReasonInput, request)["reason"])


class ClaimAsk(ClaimAct):
    @extend_schema(request=CoverReasonInput, responses=ClaimDetailSerializer)
    def post(self, request, pk):
        """Ask the bank for documents."""
        return self.act(request, pk, claim_answers.ask_for_documents, note=checked(CoverReasonInput, request)["reason"])


class ClaimDocuments(CreatingView):
    @extend_schema(request=ClaimDocumentsInput, responses=ClaimDetailSerializer)
    def create(self, request, pk):
        """Give the partner what it asked for, as the bank's maker."""
        claim = get_object_or_404(Claim.objects.of_bank(request.user, *BANK_MAKERS).with_names(), pk=pk)
        said = checked(ClaimDocumentsInput, request)
        note, files = said.get("note", ""), said.get("files", [])
        claims.answer_with_documents(claim=claim, note=note, uploads=files, by=request.user, now=timezone.now())
        return Response(_shown(pk))


class ClaimAnswer(APIView):
    @extend_schema(request=ClaimAnswerInput, responses=ClaimDetailSerializer)
    def post(self, request, pk):
        """Propose to accept an amount or to refuse, as the partner's maker; another person decides."""
        claim = get_object_or_404(Claim.objects.of_partner(request.user, *WRITING_ROLES).with_names(), pk=pk)
        said = checked(ClaimAnswerInput, request)
        claim_answers.propose_answer(claim=claim, said=said, by=request.user, now=timezone.now())
        return Response(_shown(pk))


class ClaimReturn(ClaimAct):
    @extend_schema(request=CoverReasonInput, responses=ClaimDetailSerializer)
    def post(self, request, pk):
        """Send the proposed answer back, as the partner's second person."""
        return self.act(request, pk, claim_answers.return_answer, note=checked(CoverReasonInput, request)["reason"])


class ClaimDecide(ClaimAct):
    @extend_schema(request=None, responses=ClaimDetailSerializer)
    def post(self, request, pk):
        """Decide as proposed, as the partner's second person."""
        return self.act(request, pk, claim_answers.decide_claim)


class ClaimClose(ClaimAct):
    @extend_schema(request=CoverReasonInput, responses=ClaimDetailSerializer)
    def post(self, request, pk):
        """Close a paid claim of which nothing more will be recovered."""
        return self.act(request, pk, claims.close_claim, note=checked(CoverReasonInput, request)["reason"])


class RecoveryList(CreatingView):
    @extend_schema(request=RecoveryInput, responses={HTTPStatus.CREATED: ClaimDetailSerializer})
    def create(self, request, pk):
        """Record what was recovered, as the bank's maker; another person confirms."""
        claim = get_object_or_404(Claim.objects.of_bank(request.user, *BANK_MAKERS).with_names(), pk=pk)
        said = checked(RecoveryInput, request)
        recoveries.record_recovery(claim=claim, said=said, by=request.user, now=timezone.now())
        return Response(_shown(pk), status=HTTPStatus.CREATED)


class RecoveryConfirm(APIView):
    @extend_schema(request=None, responses=ClaimDetailSerializer)
    def post(self, request, pk):
        """Confirm a recovery as the bank's second person, and share it."""
        mine = Recovery.objects.filter(claim__in=Claim.objects.of_bank(request.user, *BANK_CHECKERS))
        recovery = get_object_or_404(mine.select_related("claim__guarantee__bank"), pk=pk)
        recoveries.confirm_recovery(recovery=recovery, by=request.user, now=timezone.now())
        return Response(_shown(recovery.claim_id))
