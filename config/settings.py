"""All settings, read from the environment; a missing or wrong one stops the start with a sentence."""

import warnings
from pathlib import Path
from urllib.parse import unquote

import environ
from celery.schedules import crontab
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()


def required(name: str, purpose: str) -> str:
    value = env.str(name, default="").strip()
    if not value:
        raise ImproperlyConfigured(f"Set {name}: {purpose} (`make setup` writes a local profile that has it).")
    return value


# Who runs it
DEBUG = env.bool("DEBUG", default=False)
# Set by the profile that `make setup` writes: plain http on loopback, webhooks may go to this machine.
LOCAL_PROFILE = env.bool("LOCAL_PROFILE", default=False)
SECRET_KEY = required("SECRET_KEY", "at least 50 random characters that sign sessions and links")
if len(SECRET_KEY) < 50:
    raise ImproperlyConfigured("SECRET_KEY is too short: it needs at least 50 random characters.")
ALLOWED_HOSTS = [host.strip() for host in required("ALLOWED_HOSTS", "host names, comma-separated").split(",")]
PORT = env.int("PORT", default=8000)
PUBLIC_URL = env.str(
    "PUBLIC_URL", default=f"http://localhost:{PORT}" if LOCAL_PROFILE else f"https://{ALLOWED_HOSTS[0]}"
)
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
DATA_DIR = Path(env.str("DATA_DIR", default=str(BASE_DIR / ".data"))).absolute()

INSTALLED_APPS = [
    "unfold",
    # The admin's own modules are found by config/urls.py: a command that shows no page starts in a third of the time.
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "django_filters",
    "django_htmx",
    "rest_framework",
    "knox",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "marketplace",
    "matching",
    "finance",
    "seeds",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "config.http.RuleBrokenMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

# Rows
required("DATABASE_URL", "postgres://user:password@host/name")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    DATABASES = {"default": env.db("DATABASE_URL")}
if DATABASES["default"].get("ENGINE") != "django.db.backends.postgresql":
    raise ImproperlyConfigured(
        "DATABASE_URL must be a postgres:// address: the rules live in PostgreSQL's constraints."
    )
# A Unix socket's folder comes percent-encoded in the place of the host.
DATABASES["default"]["HOST"] = unquote(DATABASES["default"]["HOST"])
DATABASES["default"]["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", default=60)
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DATABASES["default"].setdefault("OPTIONS", {})["connect_timeout"] = 5
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Messages
CELERY_BROKER_URL = required("CELERY_BROKER_URL", "redis://host:6379/0 or amqp://host")
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {"visibility_timeout": 1800, "unacked_restore_interval": 5, "unacked_restore_throttle": 1}
    if "redis" in CELERY_BROKER_URL.split(":", 1)[0]
    else {}
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_TIME_LIMIT = 900
CELERY_TASK_SOFT_TIME_LIMIT = 840
# Each kind of work has a queue, and a worker takes from its queues in turn: a thousand mails keep no match waiting. What
# takes minutes and may wait for the night has a worker of its own, so that it holds up nothing (config/local/programs.py).
CELERY_TASK_QUEUES = {
    name: {"exchange": name, "routing_key": name} for name in ("celery", "matching", "indexing", "sending", "nightly")
}
CELERY_TASK_ROUTES = {
    "matching.tasks.find_matches": {"queue": "matching"},
    "matching.tasks.clear_market": {"queue": "matching"},
    "matching.tasks.balance_family": {"queue": "matching"},
    "matching.tasks.suggest_pools": {"queue": "matching"},
    "matching.tasks.index_listings": {"queue": "indexing"},
    "matching.tasks.read_leads": {"queue": "indexing"},
    "marketplace.tasks.send_*": {"queue": "sending"},
    "matching.tasks.train_ranker": {"queue": "nightly"},
    "matching.tasks.prove_recall": {"queue": "nightly"},
    "matching.tasks.replay_day": {"queue": "nightly"},
    "matching.tasks.reckon": {"queue": "nightly"},
    "finance.tasks.look_at_model": {"queue": "nightly"},
    "finance.tasks.look_for_signs": {"queue": "nightly"},
}
# A run older than this was left behind by a worker that died: longer than any task may take.
RUN_LEFT_BEHIND_SECONDS = CELERY_TASK_TIME_LIMIT + 60
CELERY_TIMEZONE = "Asia/Shanghai"
CELERY_BEAT_SCHEDULE = {
    "marketplace-ring-again": {"task": "marketplace.tasks.ring_again", "schedule": 60.0},
    "marketplace-send-digests": {"task": "marketplace.tasks.send_digests", "schedule": 300.0},
    "marketplace-expire-listings": {"task": "marketplace.tasks.expire_listings", "schedule": 60.0},
    "marketplace-lapse-offers": {"task": "marketplace.tasks.lapse_offers", "schedule": 60.0},
    "marketplace-prune-idempotent-requests": {
        "task": "marketplace.tasks.prune_idempotent_requests",
        "schedule": 3600.0,
    },
    "marketplace-lapse-bookings": {"task": "marketplace.tasks.lapse_bookings", "schedule": 60.0},
    "marketplace-accrue-storage": {"task": "marketplace.tasks.accrue_storage", "schedule": 3600.0},
    "marketplace-issue-statements": {"task": "marketplace.tasks.issue_statements", "schedule": 3600.0},
    "marketplace-close-rfqs": {"task": "marketplace.tasks.close_rfqs", "schedule": 60.0},
    "marketplace-settle-rfqs": {"task": "marketplace.tasks.settle_rfqs", "schedule": 60.0},
    "marketplace-close-orders": {"task": "marketplace.tasks.close_orders", "schedule": 3600.0},
    "marketplace-tell-overdue": {"task": "marketplace.tasks.tell_overdue", "schedule": 3600.0},
    "marketplace-close-pools": {"task": "marketplace.tasks.close_pools", "schedule": 60.0},
    "marketplace-advance-exhibitions": {"task": "marketplace.tasks.advance_exhibitions", "schedule": 60.0},
    "finance-ring-assessments-again": {"task": "finance.tasks.ring_assessments_again", "schedule": 60.0},
    "finance-request-due-assessments": {"task": "finance.tasks.request_due_assessments", "schedule": 300.0},
    "finance-gather-platform-records": {"task": "finance.tasks.gather_platform_records", "schedule": 60.0},
    "finance-request-missing-looks": {
        "task": "finance.tasks.request_missing_looks",
        "schedule": crontab(hour=1, minute=30),
    },
    "finance-ring-records-again": {"task": "finance.tasks.ring_records_again", "schedule": 60.0},
    "matching-gather-events": {"task": "matching.tasks.gather_events", "schedule": 180.0},
    "matching-invite-visitors": {"task": "matching.tasks.invite_visitors", "schedule": 300.0},
    "matching-weigh-markets": {"task": "matching.tasks.weigh_markets", "schedule": 300.0},
    "matching-ring-markets-again": {"task": "matching.tasks.ring_markets_again", "schedule": 60.0},
    "matching-read-leads": {"task": "matching.tasks.read_leads", "schedule": 300.0},
    "matching-tell-of-projects": {"task": "matching.tasks.tell_of_projects", "schedule": crontab(hour=7, minute=40)},
    "matching-ring-again": {"task": "matching.tasks.ring_again", "schedule": 60.0},
    "matching-ring-models-again": {"task": "matching.tasks.ring_models_again", "schedule": 300.0},
    "matching-request-reckoning": {"task": "matching.tasks.request_reckoning", "schedule": crontab(hour=2, minute=40)},
    "matching-request-training": {"task": "matching.tasks.request_training", "schedule": crontab(hour=3, minute=10)},
    "matching-request-proof": {"task": "matching.tasks.request_proof", "schedule": crontab(hour=4, minute=10)},
    "matching-request-missing-runs": {"task": "matching.tasks.request_missing_runs", "schedule": 60.0},
    "finance-look-at-models": {"task": "finance.tasks.request_looks_at_models", "schedule": crontab(hour=3, minute=30)},
    "finance-look-for-signs": {"task": "finance.tasks.request_looks_for_signs", "schedule": crontab(hour=4, minute=30)},
    "finance-ring-bank-files-again": {"task": "finance.tasks.ring_bank_files_again", "schedule": 60.0},
    "finance-tend-log": {"task": "finance.tasks.tend_log", "schedule": 600.0},
    "finance-lapse-assignments": {"task": "finance.tasks.lapse_assignments", "schedule": 300.0},
    "finance-watch-applications": {"task": "finance.tasks.watch_applications", "schedule": 300.0},
    "finance-watch-acts": {"task": "finance.tasks.watch_acts", "schedule": 60.0},
    "finance-watch-covers": {"task": "finance.tasks.watch_covers", "schedule": 300.0},
    "finance-ring-looks-again": {"task": "finance.tasks.ring_looks_again", "schedule": 300.0},
    "finance-watch-lines": {"task": "finance.tasks.watch_lines", "schedule": 60.0},
    "finance-watch-loans": {"task": "finance.tasks.watch_loans", "schedule": crontab(minute=25)},
}

# What every process may share and lose
CACHES = {
    "default": (
        {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": CELERY_BROKER_URL.replace("redis+socket://", "unix://").split("?")[0],
            "KEY_PREFIX": "web",
        }
        if "redis" in CELERY_BROKER_URL.split(":", 1)[0]
        else {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "shared_cache"}
    )
}

# Mail
EMAIL_URL = env.str("EMAIL_URL", default="")
if EMAIL_URL:
    vars().update(env.email_url("EMAIL_URL"))
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = str(DATA_DIR / "mail")
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="noreply@localhost")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
# Short messages are offered where a gateway takes {to, text, id} as JSON; without one nobody sees the channel.
SMS_GATEWAY_URL = env.str("SMS_GATEWAY_URL", default="")
SMS_GATEWAY_TOKEN = env.str("SMS_GATEWAY_TOKEN", default="")

# Matching
# A folder of the instance's own glossaries (marketplace/data/normal_forms/README.md).
GLOSSARY_DIR = env.str("GLOSSARY_DIR", default="")
EMBEDDING_MODEL = env.str("EMBEDDING_MODEL", default=str(BASE_DIR / "matching" / "data" / "embedding"))
if not Path(EMBEDDING_MODEL).is_dir() and env.str("EMBEDDING_MODEL", default=""):
    raise ImproperlyConfigured(f"EMBEDDING_MODEL names a folder that is not there: {EMBEDDING_MODEL}")
# Whether firms in their first week may take reserved places of lists, until they were shown often enough.
NEW_FIRM_FLOOR = env.bool("NEW_FIRM_FLOOR", default=True)
# Where the vectors are searched: in this process ("memory"), or by Milvus on other machines.
# milvus://host:19530/database?collection=…&token=…&index=FLAT|IVF_FLAT|HNSW, or milvus+lite:///path to try it out.
VECTOR_ENGINE = env.str("VECTOR_ENGINE", default="memory")
if VECTOR_ENGINE != "memory" and not VECTOR_ENGINE.startswith(("milvus://", "milvus+tls://", "milvus+lite:///")):
    raise ImproperlyConfigured("VECTOR_ENGINE must be memory, milvus://, milvus+tls:// or milvus+lite:///path.")
BENCH_DATA = env.str("BENCH_DATA", default="")
# A learned ranker serves only if it gains so much nDCG@10 over the tuned fusion on lists it never saw.
RANKER_MARGIN = env.float("RANKER_MARGIN", default=0.03)
# Whether what passes the gate serves at once, or waits for the platform operator.
RANKER_PROMOTES_ITSELF = env.bool("RANKER_PROMOTES_ITSELF", default=True)

# People
AUTH_USER_MODEL = "marketplace.User"
LOGIN_URL = "marketplace:log_in"
LOGIN_REDIRECT_URL = "marketplace:workspace"
LOGOUT_REDIRECT_URL = "marketplace:home"
PASSWORD_RESET_TIMEOUT = 3600
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 9}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "中文"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True

# Files
STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "config.static_files.PackageFinder",
]
MEDIA_ROOT = DATA_DIR / "files"
FILE_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 20 * 1024 * 1024
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_MANIFEST_STRICT = False

# Transport: production rules unless the local profile says plain http
if not LOCAL_PROFILE:
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
SESSION_COOKIE_HTTPONLY = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# API
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "knox.auth.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.LimitOffsetPagination",
    "PAGE_SIZE": 50,
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_THROTTLE_CLASSES": [
        "rest_framework.throttling.AnonRateThrottle",
        "rest_framework.throttling.UserRateThrottle",
    ],
    "DEFAULT_THROTTLE_RATES": {
        "anon": env.str("API_RATE_ANONYMOUS", default="60/min"),
        "user": env.str("API_RATE_USER", default="1200/min"),
    },
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "config.http.api_exception_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
REST_KNOX = {"TOKEN_TTL": None, "AUTH_HEADER_PREFIX": "Token"}
SPECTACULAR_SETTINGS = {
    "TITLE": "Industrial matchmaking marketplace",
    "DESCRIPTION": "Post supply and demand, receive matches with reasons, be told by webhook.",
    "VERSION": "1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "SERVE_INCLUDE_SCHEMA": False,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "marketplace.api.problems.describe_problems",
    ],
    # Fields of one name with other choices each need a name of their own.
    "ENUM_NAME_OVERRIDES": {
        "OrganisationKind": "marketplace.models.Organisation.Kind",
        "LeadOutcome": "matching.models.LeadContact.Outcome",
        "MarketDecision": "matching.models.MarketProposal.Decision",
        "AllotmentFate": "matching.models.Allotment.Fate",
        "PoolSuggestionStatus": "matching.models.PoolSuggestion.Status",
        "BuildingProjectKind": "matching.models.BuildingProject.Kind",
        "BuildingProjectStage": "matching.models.BuildingProject.Stage",
        "ApplicationStatus": "finance.models.Application.Status",
        "ScorecardStatus": "finance.models.Scorecard.Status",
        "CreditActor": "finance.models.Actor",
        "CreditProductKind": "finance.models.CreditProduct.Kind",
        "CreditRepayment": "finance.models.CreditProduct.Repayment",
        "ContractSigning": "finance.models.CreditProduct.Signing",
        "DataGroup": "finance.models.DataGroup",
        "DecisionOutcome": "finance.models.Decision.Outcome",
        "DecisionVerdict": "finance.models.Decision.Verdict",
        "DecisionRecommended": "finance.models.Decision.Recommended",
        "CategoryKind": "marketplace.models.Category.Kind",
        "InspectionVerdict": "marketplace.models.Inspection.Verdict",
        "EndpointKind": "marketplace.models.WebhookEndpoint.Kind",
        "ListingSide": "marketplace.models.Listing.Side",
        "ListingStatus": "marketplace.models.Listing.Status",
        "FacilityKind": "marketplace.models.Facility.Kind",
        "FacilityMode": "marketplace.models.Facility.Mode",
        "ImportMode": "marketplace.models.ListingImport.Mode",
        "PriceKind": "marketplace.models.PriceItem.Kind",
        "BookingStatus": "marketplace.models.Booking.Status",
        "WaitingStatus": "marketplace.models.WaitingEntry.Status",
        "HandOverStatus": "marketplace.models.HandOver.Status",
        "NegotiationStatus": "marketplace.models.Negotiation.Status",
        "NegotiationOrigin": "marketplace.models.Negotiation.Origin",
        "NegotiationStage": "marketplace.models.Negotiation.Stage",
        "OfferStatus": "marketplace.models.Offer.Status",
        "ApprovalStatus": "marketplace.models.Approval.Status",
        "OrderKind": "marketplace.models.Order.Kind",
        "OrderStatus": "marketplace.models.Order.Status",
        "OrderRecordSide": "marketplace.models.OrderRecord.Side",
        "TermLineKind": "marketplace.models.terms.TermLine.Kind",
        "ProposalKind": "marketplace.models.Proposal.Kind",
        "ProposalStatus": "marketplace.models.Proposal.Status",
        "DisputeKind": "marketplace.models.Dispute.Kind",
        "DisputeStatus": "marketplace.models.Dispute.Status",
        "InvoiceKind": "marketplace.models.Invoice.Kind",
        "InvoiceStatus": "marketplace.models.Invoice.Status",
        "PaymentStatus": "marketplace.models.Payment.Status",
        "ShipmentStatus": "marketplace.models.Shipment.Status",
        "LotStatus": "marketplace.models.Lot.Status",
        "SignatureMethod": "marketplace.models.ReceiptSignature.Method",
        "PaymentMethod": "marketplace.models.Payment.Method",
        "RfqStatus": "marketplace.models.RequestForQuotation.Status",
        "QuoteStatus": "marketplace.models.Quote.Status",
        "ListingVisibility": "marketplace.models.Listing.Visibility",
        "PoolStatus": "marketplace.models.PurchasePool.Status",
        "PoolRule": "marketplace.models.PurchasePool.Rule",
        "PoolVisibility": "marketplace.models.PurchasePool.Visibility",
        "CommitmentStatus": "marketplace.models.PoolCommitment.Status",
        "ExhibitionStatus": "marketplace.models.Exhibition.Status",
        "VisitOrigin": "marketplace.models.Visit.Origin",
        "VisitStatus": "marketplace.models.Visit.Status",
        "MeetingStatus": "marketplace.models.Meeting.Status",
        "LeadStatus": "marketplace.models.Lead.Status",
        "RankerStatus": "matching.models.RankerModel.Status",
        "TrainingOutcome": "matching.models.TrainingRun.Outcome",
        "AlarmKind": "finance.models.Alarm.Kind",
        "AlarmStatus": "finance.models.Alarm.Status",
        "AlarmAnswer": "finance.models.Alarm.Answer",
        "EarlyWarningKind": "finance.models.EarlyWarning.Kind",
        "EarlyWarningSeverity": "finance.models.EarlyWarning.Severity",
        "EarlyWarningStatus": "finance.models.EarlyWarning.Status",
        "EarlyWarningAnswer": "finance.models.EarlyWarning.Answer",
        "OfflineActKind": "finance.models.OfflineAct.Kind",
        "OfflineActStatus": "finance.models.OfflineAct.Status",
        "PartnershipStatus": "finance.models.Partnership.Status",
        "CoverQuoteStatus": "finance.models.CoverQuote.Status",
        "GuaranteeStatus": "finance.models.Guarantee.Status",
        "ClaimStatus": "finance.models.Claim.Status",
        "ClaimRefusal": "finance.models.Claim.RefusalReason",
        "BankFilePosting": "finance.models.BankFile.Posting",
        "BankFileRowKind": "finance.models.BankFileRow.Kind",
        "BankFileRowState": "finance.models.BankFileRow.State",
        "BreakKind": "finance.models.ReconciliationBreak.Kind",
        "BreakResolution": "finance.models.ReconciliationBreak.Resolution",
        "OrganisationState": "marketplace.models.Organisation.State",
        "RecordKind": "finance.models.RecordKind",
        "ReceivableStatus": "finance.models.Receivable.Status",
        "ReceivableKnown": "finance.models.Receivable.Known",
        "AssignmentKind": "finance.models.Assignment.Kind",
        "AssignmentStatus": "finance.models.Assignment.Status",
        "RunStatus": "config.runs.Run.Status",
        "CreditLineKind": "finance.models.CreditLine.Kind",
        "CreditLineStatus": "finance.models.CreditLine.Status",
        "LineChangeKind": "finance.models.LineChange.Kind",
        "LineChangeVerdict": "finance.models.LineChange.Verdict",
        "ReservationStatus": "finance.models.Reservation.Status",
        "DrawdownStatus": "finance.models.Drawdown.Status",
        "InstalmentStatus": "finance.models.Instalment.Status",
        "RepaymentStatus": "finance.models.Repayment.Status",
        "ProgrammeInvitationStatus": "finance.models.ProgrammeInvitation.Status",
        "RiskClass": "finance.models.RiskClass",
    },
}
UNFOLD = {"SITE_TITLE": _("Platform operator"), "SITE_HEADER": _("Industrial matchmaking")}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{", "datefmt": "%H:%M:%S"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    # It tells every process of its processor's instructions.
    "loggers": {"faiss": {"level": "WARNING"}},
}
