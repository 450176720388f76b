"""Settings of LeadMagicX, all from the environment (docs/operations.md lists the variables)."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import environ
import sentry_sdk
import structlog

from leadmagicx.variables import Variables

BASE_DIR = Path(__file__).resolve().parent.parent

variables = Variables(os.environ)

SECRET_KEY = variables.text("SECRET_KEY")
CREDENTIAL_KEYS = variables.keys("CREDENTIAL_KEYS")
if SECRET_KEY and SECRET_KEY in CREDENTIAL_KEYS:
    variables.problems.append("CREDENTIAL_KEYS: must differ from SECRET_KEY. Make a key of its own.")
DEBUG = variables.flag("DEBUG", default=False)
ALLOWED_HOSTS = variables.listed("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]" if DEBUG else "")
CSRF_TRUSTED_ORIGINS = variables.listed("CSRF_TRUSTED_ORIGINS")
DATABASES = {
    "default": {
        **variables.database("DATABASE_URL"),
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "ATOMIC_REQUESTS": False,
    }
}
REDIS_URL = variables.url("REDIS_URL", None, schemes=("redis", "rediss", "unix"))
EMAIL = environ.Env.email_url_config(variables.text("EMAIL_URL", "consolemail://"))
SENTRY_DSN = variables.text("SENTRY_DSN", "")

ICLOUD_CALDAV_URL = variables.url("ICLOUD_CALDAV_URL", "https://caldav.icloud.com/", schemes=("https", "http"))
ICLOUD_TRUSTED_HOSTS = variables.trusted_hosts("ICLOUD_TRUSTED_HOSTS", ".icloud.com,.icloud.com.cn")
ICLOUD_POLL_SECONDS = variables.seconds("ICLOUD_POLL_SECONDS", 60, zero=False)
ICLOUD_BOOKING_FRESHNESS_SECONDS = variables.seconds("ICLOUD_BOOKING_FRESHNESS_SECONDS", 60)
ICLOUD_BOOKING_CHECK_TIMEOUT_SECONDS = variables.seconds("ICLOUD_BOOKING_CHECK_TIMEOUT_SECONDS", 3)
ICLOUD_PASSWORD_CONFIRM_SECONDS = variables.seconds("ICLOUD_PASSWORD_CONFIRM_SECONDS", 300)
ICLOUD_BACKOFF_MAX_SECONDS = variables.seconds("ICLOUD_BACKOFF_MAX_SECONDS", 3600, zero=False)
ICLOUD_REQUEST_TIMEOUT_SECONDS = variables.seconds("ICLOUD_REQUEST_TIMEOUT_SECONDS", 30, zero=False)
ICLOUD_SETTLE_SECONDS = variables.seconds("ICLOUD_SETTLE_SECONDS", 120)
ICLOUD_REQUESTS_PER_MINUTE = variables.count("ICLOUD_REQUESTS_PER_MINUTE", 60)
WEBHOOK_ALLOW_PRIVATE_HOSTS = variables.flag("WEBHOOK_ALLOW_PRIVATE_HOSTS", default=False)
WEBHOOK_BACKOFF_SECONDS = variables.seconds("WEBHOOK_BACKOFF_SECONDS", 30)
variables.finish()

# Encryption of app-specific passwords; read by the field in icloud_sync/fields.py.
FERNET_KEYS = CREDENTIAL_KEYS

vars().update(EMAIL)
DEFAULT_FROM_EMAIL = "LeadMagicX <noreply@leadmagicx.invalid>"
EMAIL_TIMEOUT = 10

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "leadmagicx.accounts",
    "calendars",
    "icloud_sync",
    "leadmagicx.webhooks",
    "leadmagicx.demo",
    "leadmagicx.pages",
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
    "csp.middleware.CSPMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "leadmagicx.accounts.middleware.TimezoneMiddleware",
]

ROOT_URLCONF = "leadmagicx.urls"
WSGI_APPLICATION = "leadmagicx.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "leadmagicx.pages.context.frame",
            ],
        },
    }
]

AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "/accounts/login/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/accounts/login/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "leadmagicx" / "locale"]
FORMAT_MODULE_PATH = ["leadmagicx.pages.formats"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "leadmagicx" / "static"]
WHITENOISE_USE_FINDERS = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "leadmagicx",
        "OPTIONS": {"socket_timeout": 2, "socket_connect_timeout": 2},
    }
}

# Security: the demo and the tests speak plain http on loopback, everything else is behind TLS.
_behind_tls = not DEBUG and not variables.flag("INSECURE_LOCAL_HTTP", default=False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _behind_tls
SECURE_HSTS_SECONDS = 31_536_000 if _behind_tls else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = _behind_tls
SECURE_SSL_REDIRECT = _behind_tls
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "object-src": ["'none'"],
    },
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "leadmagicx.accounts.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["calendars.api.parsers.Json"],
    "DEFAULT_PAGINATION_CLASS": "calendars.api.pagination.Pages",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "calendars.api.errors.answer",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "LeadMagicX",
    "DESCRIPTION": "Calendars, appointments, two-way iCloud sync. Times: ISO 8601 with offset; durations: minutes.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "leadmagicx.reference.refusals.complete",
    ],
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {},
}

# Celery. The broker is only a doorbell: what is left to do stands in rows (style.md §4), so nothing relies on
# redelivery, results or countdowns.
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 2000
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_TASK_SOFT_TIME_LIMIT = 240
CELERY_TASK_TIME_LIMIT = 270
CELERY_TASK_PUBLISH_RETRY = True
CELERY_TASK_PUBLISH_RETRY_POLICY = {
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.1,
    "interval_max": 0.1,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 300,
    "socket_timeout": 2,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
}
TICK_EXPIRES = 10.0
TICK_SECONDS = max(0.2, min(1.0, ICLOUD_POLL_SECONDS / 2))
CELERY_BEAT_SCHEDULE = {
    # What each finds stands in rows, so a tick that waited long is worthless; a busy worker may be late by some.
    "pull-due": {
        "task": "icloud_sync.tasks.pull_due",
        "schedule": TICK_SECONDS,
        "options": {"expires": TICK_EXPIRES},
    },
    "push-due": {
        "task": "icloud_sync.tasks.push_due",
        "schedule": TICK_SECONDS,
        "options": {"expires": TICK_EXPIRES},
    },
    "deliver-webhooks": {
        "task": "leadmagicx.webhooks.tasks.deliver_due",
        "schedule": 1.0,
        "options": {"expires": TICK_EXPIRES},
    },
    "forget-deliveries": {
        "task": "leadmagicx.webhooks.tasks.forget_old",
        "schedule": 3600.0,
        "options": {"expires": 3500.0},
    },
    "roll-windows": {
        "task": "icloud_sync.tasks.roll_windows",
        "schedule": 3600.0,
        "options": {"expires": 3500.0},
    },
    "clean-up": {"task": "icloud_sync.tasks.clean_up", "schedule": 600.0, "options": {"expires": 500.0}},
    "beat-is-up": {"task": "leadmagicx.health.beat_is_up", "schedule": 2.0, "options": {"expires": 10.0}},
}

structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.filter_by_level,
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processor": structlog.dev.ConsoleRenderer(colors=False)
            if DEBUG or sys.stderr.isatty()
            else structlog.processors.JSONRenderer(),
            "foreign_pre_chain": [
                structlog.contextvars.merge_contextvars,
                structlog.processors.TimeStamper(fmt="iso"),
                structlog.stdlib.add_logger_name,
                structlog.stdlib.add_log_level,
            ],
        }
    },
    "filters": {"without_probes": {"()": "leadmagicx.logs.WithoutProbes"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["without_probes"]}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        # caldav and its HTTP library may log bodies and headers: never below WARNING (reliability E4).
        "caldav": {"level": "CRITICAL"},
        "niquests": {"level": "WARNING"},
        "urllib3": {"level": "WARNING"},
        "django.server": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.worker.request": {"level": "WARNING"},
        "django_structlog": {"level": "WARNING"},
    },
}

if SENTRY_DSN:
    sentry_sdk.init(
        dsn=SENTRY_DSN, send_default_pii=False, include_local_variables=False, max_request_body_size="never"
    )
