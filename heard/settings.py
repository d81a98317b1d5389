"""All settings, flat, read from the environment; docs/configure.md lists every variable."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from heard import environment

HERE = Path(__file__).parent
HOME = environment.home()

DEBUG = environment.flag("HEARD_DEBUG", default=False)
TESTING = "pytest" in sys.modules
SECRET_KEY = environment.secret_key()
PUBLIC_URL = environment.text("HEARD_URL", default="").rstrip("/")
LIVE_URL = environment.text("HEARD_LIVE_URL", default="").rstrip("/")
LIVE_PORT = environment.number("HEARD_LIVE_PORT", default=8001)
ATTACHMENTS = HOME / "attachments"
ATTACHMENTS_IN = environment.attachments_in()
S3 = environment.s3()
ATTACHMENT_LIMIT_BYTES = environment.number("HEARD_ATTACHMENT_LIMIT_MB", default=20) * 1024 * 1024

ALLOWED_HOSTS = environment.text("HEARD_ALLOWED_HOSTS", default="*").split(",")
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL] if PUBLIC_URL else []
USE_HTTPS = PUBLIC_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = USE_HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if USE_HTTPS else None
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_AGE = 60 * 60 * 24 * 14
SESSION_ENGINE = "heard.staff.sessions"
SILENCED_SYSTEM_CHECKS = ["security.W004", "security.W008"]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "django_htmx",
    "ninja",
    "procrastinate.contrib.django",
    "heard.lib",
    "heard.events",
    "heard.reading",
    "heard.staff",
    "heard.contacts",
    "heard.knowledge",
    "heard.think",
    "heard.assistant",
    "heard.learning",
    "heard.conversations",
    "heard.meter",
    "heard.sample",
]

MIDDLEWARE = [
    "heard.conversations.views.hooks.HookDoor",
    "heard.lib.headers.SecurityHeaders",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]

ROOT_URLCONF = "heard.urls"
WSGI_APPLICATION = "heard.wsgi.application"
APPEND_SLASH = True

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "DIRS": [HERE / "templates", *sorted(HERE.glob("*/templates"))],
        "APP_DIRS": False,
        "OPTIONS": {
            "environment": "heard.lib.pages.environment",
            "extensions": ["jinja2.ext.i18n", "jinja2.ext.do"],
            "context_processors": [
                "django.contrib.messages.context_processors.messages",
                "heard.staff.navigation.navigation",
            ],
        },
    },
    {
        # allauth's own mails and fallbacks are written in Django's language.
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]


def _database(url: str) -> dict[str, Any]:
    """Django's words for a PostgreSQL URL; a socket folder may stand in `?host=`."""
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", parts.hostname or ""),
        "PORT": options.pop("port", str(parts.port or "")),
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        # Parameters travel apart from the statement, so that PostgreSQL plans each page once.
        "OPTIONS": {
            "connect_timeout": 5,
            "application_name": "heard",
            "server_side_binding": True,
            "prepare_threshold": 3,
            **options,
        },
        "TEST": {"NAME": "heard_test"},
    }


DATABASES = {"default": _database(environment.database_url())}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Sign-in counts attempts in it, for all processes together; no page reads it.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "cache_entry",
        "OPTIONS": {"MAX_ENTRIES": 10_000},
    }
}

AUTH_USER_MODEL = "staff.User"
AUTHENTICATION_BACKENDS = ["heard.staff.sessions.SignIn"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "heard.staff.entrance.Entrance"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_LOGOUT_REDIRECT_URL = "/accounts/login/"
ACCOUNT_RATE_LIMITS = {"login": "30/m/ip", "login_failed": "10/m/ip,5/5m/key"}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True

LANGUAGE_CODE = "en"
TIME_ZONE = environment.timezone()
USE_TZ = True
# Texts are marked for translation. While there is no catalogue, looking for one costs each page.
USE_I18N = False

STATIC_URL = "/static/"
STATICFILES_DIRS = [HERE / "static"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
WHITENOISE_MAX_AGE = 60 * 60

EMAIL_URL = urlsplit(environment.text("EMAIL_URL", default=""))
EMAIL_BACKEND = (
    "django.core.mail.backends.smtp.EmailBackend"
    if EMAIL_URL.scheme.startswith("smtp")
    else "django.core.mail.backends.filebased.EmailBackend"
)
EMAIL_FILE_PATH = HOME / "mail"
EMAIL_HOST = EMAIL_URL.hostname or "localhost"
EMAIL_PORT = EMAIL_URL.port or (465 if EMAIL_URL.scheme == "smtps" else 25)
EMAIL_HOST_USER = unquote(EMAIL_URL.username or "")
EMAIL_HOST_PASSWORD = unquote(EMAIL_URL.password or "")
EMAIL_USE_SSL = EMAIL_URL.scheme == "smtps"
EMAIL_USE_TLS = EMAIL_URL.scheme == "smtp+tls"
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = environment.text("HEARD_MAIL_FROM", default="heard@localhost")

PROCRASTINATE_AUTODISCOVER_MODULE_NAME = None
PROCRASTINATE_IMPORT_PATHS = [
    "heard.assistant.forgetting",
    "heard.conversations.answers.drafting",
    "heard.conversations.answers.remembering",
    "heard.conversations.calls.transcribing",
    "heard.conversations.checks.watching",
    "heard.conversations.checks.weighing",
    "heard.conversations.clocks.sweeping",
    "heard.conversations.colleagues.noticing",
    "heard.conversations.comment_cards.cards",
    "heard.conversations.deliveries.fetching",
    "heard.conversations.deliveries.looking",
    "heard.conversations.files.tidying",
    "heard.conversations.floods.sifting",
    "heard.conversations.forgetting",
    "heard.conversations.inboxes.connecting",
    "heard.conversations.inboxes.health",
    "heard.conversations.outbox.acting",
    "heard.conversations.outbox.replying",
    "heard.conversations.outbox.sending",
    "heard.conversations.people.meeting",
    "heard.conversations.readings.doubting",
    "heard.conversations.readings.teaching",
    "heard.conversations.search.vocabulary",
    "heard.meter.drawing",
    "heard.meter.tallying",
    "heard.sample.loading",
    "heard.staff.letters",
]

DATA_UPLOAD_MAX_MEMORY_SIZE = 25 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

TRANSCRIPTION_URL = environment.text("HEARD_TRANSCRIPTION_URL", default="")
TRANSCRIPTION_KEY = environment.text("HEARD_TRANSCRIPTION_KEY", default="")
TRANSCRIPTION_MODEL = environment.text("HEARD_TRANSCRIPTION_MODEL", default="whisper-1")

UNDO_SECONDS = environment.number("HEARD_UNDO_SECONDS", default=10)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {"heard": {"level": "INFO"}},
}
