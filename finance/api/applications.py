"""Applications in the API: the same services as the pages, and so the same rules."""

from http import HTTPStatus

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import generics
from rest_framework.response import Response
from rest_framework.views import APIView

from finance.api.application_serializers import (
    AcceptInput,
    ApplicationAnswerInput,
    ApplicationBrief,
    ApplicationCreate,
    ApplicationFilesInput,
    ApplicationInput,
    ApplicationNoteInput,
    ApplicationReasonInput,
    ApplicationSerializer,
    ApplicationVersionInput,
    AskInput,
    ConfirmedSerializer,
    ConfirmInput,
    ConfirmManyInput,
    DecisionProposalInput,
    DecisionReplaySerializer,
    DecisionSerializer,
    ReadVersionInput,
    ReviewSerializer,
    SendBackInput,
    SubmitInput,
)
from finance.models import Application, Decision
from finance.services import agreements, application_pages, applications, decisions, replays, reviews
from finance.services.applications import programmes_for
from marketplace.api.fields import checked
from marketplace.api.idempotency import CreatingView
from marketplace.api.pages import Pages


def _visible(user):
    return Application.objects.visible_to(user).with_names().select_related("maker", "programme")


def _shown(request, pk, status=HTTPStatus.OK) -> Response:
    found = _visible(request.user).get(pk=pk)
    return Response(ApplicationSerializer(found, context={"request": request}).data, status=status)


def _request_fields(said: dict, firm, bank) -> dict:
    """Put the programme itself where its id was said; one that is not the firm's is left for the service to refuse."""
    wanted = said.pop("programme", None)
    programme = None if wanted is None else get_object_or_404(programmes_for(firm=firm, bank=bank), pk=wanted)
    return {**said, "programme": programme}


@extend_schema_view(
    get=extend_schema(parameters=[OpenApiParameter("status", str, description="Only those of this status.")])
)
class ApplicationList(CreatingView, generics.ListAPIView):
    """The applications of the reader's firms, and those handed in to the reader's banks."""

    queryset = Application.objects.none()
    serializer_class = ApplicationBrief
    pagination_class = Pages

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        found, status = _visible(self.request.user), self.request.query_params.get("status")
        if status in Application.Status.values:
            found = found.filter(status=status)
        return found.order_by("-created_at", "-pk")

    @extend_schema(request=ApplicationCreate, responses={HTTPStatus.CREATED: ApplicationSerializer})
    def create(self, request):
        """Draft an application; nobody else sees it until it is handed in."""
        said = dict(checked(ApplicationCreate, request))
        firm, product = said.pop("firm"), said.pop("product")
        made = applications.begin_application(
            firm=firm,
            product=product,
            fields=_request_fields(said, firm, product.bank),
            by=request.user,
            now=timezone.now(),
        )
        return _shown(request, made.pk, HTTPStatus.CREATED)


class ApplicationDetail(APIView):
    @extend_schema(responses=ApplicationSerializer)
    def get(self, request, pk):
        """Show an application with its timeline, and what the reader may do now."""
        found = get_object_or_404(_visible(request.user), pk=pk)
        return Response(ApplicationSerializer(found, context={"request": request}).data)

    @extend_schema(request=ApplicationInput, responses=ApplicationSerializer)
    def put(self, request, pk):
        """Change a draft."""
        application = get_object_or_404(_visible(request.user), pk=pk)
        said = _request_fields(dict(checked(ApplicationInput, request)), application.firm, application.bank)
        applications.edit_application(application=application, fields=said, by=request.user, now=timezone.now())
        return _shown(request, pk)


class ApplicationAct(CreatingView):
    """What is done with an application; 409 where its state, the role or the version does not allow it."""

    def act(self, request, pk, service, **said):
        application = get_object_or_404(_visible(request.user), pk=pk)
        service(application=application, by=request.user, now=timezone.now(), **said)
        return _shown(request, pk)


class ApplicationSubmit(ApplicationAct):
    @extend_schema(request=SubmitInput, responses=ApplicationSerializer)
    def create(self, request, pk):
        """Hand it in; with ``consent_until`` the firm's owner lets the bank read what the product needs till then."""
        return self.act(request, pk, applications.submit_application, **checked(SubmitInput, request))


class ApplicationAnswer(ApplicationAct):
    @extend_schema(request=ApplicationAnswerInput, responses=ApplicationSerializer)
    def create(self, request, pk):
        """Answer what the bank asked, with files uploaded before."""
        return self.act(request, pk, applications.answer_questions, **checked(ApplicationAnswerInput, request))


class ApplicationDocuments(ApplicationAct):
    @extend_schema(request=ApplicationFilesInput, responses=ApplicationSerializer)
    def create(self, request, pk):
        """Add files uploaded before; the bank reads them while the firm's consent stands."""
        return self.act(request, pk, applications.add_documents, **checked(ApplicationFilesInput, request))


class ApplicationWithdraw(ApplicationAct):
    @extend_schema(request=ApplicationReasonInput, responses=ApplicationSerializer)
    def create(self, request, pk):
        """Take it back before anything is signed."""
        return self.act(request, pk, applications.withdraw_application, **checked(ApplicationReasonInput, request))


class ApplicationAccept(ApplicationAct):
    @extend_schema(request=AcceptInput, responses=ApplicationSerializer)
    def create(self, request, pk):
        """Accept and sign for the firm what the bank approved."""
        return self.act(request, pk, agreements.accept_offer, **checked(AcceptInput, request))


class ApplicationTake(ApplicationAct):
    @extend_schema(request=ApplicationVersionInput, responses=ApplicationSerializer)
    def create(self, request, pk):
        """Take it into review."""
        return self.act(request, pk, reviews.take_application, **checked(ApplicationVersionInput, request))


class ApplicationTakeOver(ApplicationAct):
    @extend_schema(request=ApplicationVersionInput, responses=ApplicationSerializer)
    def create(self, request, pk):
        """Take it out of another maker's hands."""
        return self.act(request, pk, reviews.take_over, **checked(ApplicationVersionInput, request))


class ApplicationAsk(ApplicationAct):
    @extend_schema(request=AskInput, responses=ApplicationSerializer)
    def create(self, request, pk):
        """Ask the firm for more."""
        return self.act(request, pk, reviews.ask_more, **checked(AskInput, request))


class ApplicationNote(ApplicationAct):
    @extend_schema(request=ApplicationNoteInput, responses=ApplicationSerializer)
    def create(self, request, pk):
        """Write a note that only the bank reads."""
        return self.act(request, pk, reviews.write_note, **checked(ApplicationNoteInput, request))


class ApplicationPropose(ApplicationAct):
    @extend_schema(request=DecisionProposalInput, responses={HTTPStatus.CREATED: DecisionSerializer})
    def create(self, request, pk):
        """Propose a decision on the version read; against the recommendation a coded reason and words are needed."""
        said = dict(checked(DecisionProposalInput, request))
        application = get_object_or_404(_visible(request.user), pk=pk)
        version = said.pop("version")
        made = decisions.propose_decision(
            application=application, said=said, by=request.user, now=timezone.now(), version=version
        )
        return Response(DecisionSerializer(made).data, status=HTTPStatus.CREATED)


class ApplicationConfirm(ApplicationAct):
    @extend_schema(request=ConfirmInput, responses=ApplicationSerializer)
    def create(self, request, pk):
        """Confirm what another person proposed, on the version read."""
        return self.act(request, pk, decisions.confirm_decision, **checked(ConfirmInput, request))


class ApplicationSendBack(ApplicationAct):
    @extend_schema(request=SendBackInput, responses=ApplicationSerializer)
    def create(self, request, pk):
        """Give the proposal back to its maker."""
        return self.act(request, pk, decisions.send_back, **checked(SendBackInput, request))


class ApplicationSign(ApplicationAct):
    @extend_schema(request=ReadVersionInput, responses=ApplicationSerializer)
    def create(self, request, pk):
        """Sign for the bank, and open the line."""
        return self.act(request, pk, agreements.countersign, **checked(ReadVersionInput, request))


class ApplicationConfirmMany(CreatingView):
    @extend_schema(
        operation_id="finance_applications_confirm_many",
        request=ConfirmManyInput,
        responses=ConfirmedSerializer(many=True),
    )
    def create(self, request):
        """Confirm several proposals, each by the same rules as alone; the answer says what came of each."""
        asked = {one["application"]: one["version"] for one in checked(ConfirmManyInput, request)["items"]}
        found = Application.objects.of_bank(request.user).with_names().filter(pk__in=asked).order_by("pk")
        pairs = [(application, asked[application.pk]) for application in found]
        done = decisions.confirm_many(applications=pairs, by=request.user, now=timezone.now())
        return Response(ConfirmedSerializer(done, many=True).data)


class ApplicationReview(APIView):
    @extend_schema(responses=ReviewSerializer)
    def get(self, request, pk):
        """Show the bank what the rules say and what the firm lets it read; each look leaves a row for the firm."""
        rows = Application.objects.of_bank(request.user).with_names().select_related("maker", "programme")
        application = get_object_or_404(rows, pk=pk)
        page = application_pages.read_bank_page(application=application, user=request.user, now=timezone.now())
        return Response(ReviewSerializer(page).data)


class DecisionReplay(APIView):
    @extend_schema(responses=DecisionReplaySerializer)
    def get(self, request, pk):
        """Show a decision as it was made: what was known, by which model, and whether that still comes out."""
        decision = get_object_or_404(Decision.objects.of_bank(request.user).with_names(), pk=pk)
        return Response(DecisionReplaySerializer(replays.replay_decision(decision=decision)).data)
