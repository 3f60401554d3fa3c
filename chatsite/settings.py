"""Settings of the site, all taken from the environment.

Knows the environment and the installed packages; must not know rules of rooms (their limits are in
``rooms.conf``, read from ``ROOMS_…`` variables). The names are listed in the README.
"""

from logging import LogRecord
from pathlib import Path
from typing import Any

import environ
from django.utils.translation import gettext_lazy as _

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

DEBUG = env.bool("DEBUG", default=False)
# The development key is public, so it is only ever used with DEBUG; rooms.checks refuses it elsewhere.
SECRET_KEY = env.str("SECRET_KEY", default="") or ("development-only-key" if DEBUG else "")
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=[])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", default=[])
# Only where a web server in front overwrites X-Forwarded-Proto: otherwise a client could set it to anything.
if env.bool("TRUST_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

INSTALLED_APPS = [
    "daphne",
    "whitenoise.runserver_nostatic",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "csp",
    "rooms",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "chatsite.urls"
ASGI_APPLICATION = "chatsite.asgi.application"

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
                "chatsite.context.version",
            ],
        },
    },
]

# An invalid URL must become a sentence (rooms.checks), not a traceback from here.
DATABASE_URL = env.str("DATABASE_URL", default="") or f"sqlite:///{BASE_DIR / 'db.sqlite3'}"
DATABASE_OPTIONS: dict[str, dict[str, Any]] = {
    # Readers do not block the writer (WAL), writers wait for each other instead of failing.
    "sqlite": {
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        "transaction_mode": "IMMEDIATE",
        "timeout": 10,
    },
    # All queries of the sockets share one thread; pages and the admin use a few more. A pool that cannot connect waits
    # longer and longer between its tries, so this one gives up soon, and the next query makes it try again.
    "postgresql": {"pool": {"min_size": 0, "max_size": 4, "timeout": 5, "reconnect_timeout": 2}, "connect_timeout": 3},
}
DATABASE_SCHEME = {"postgres": "postgresql"}.get(scheme := DATABASE_URL.partition(":")[0], scheme)
DATABASES: dict[str, dict[str, Any]] = {"default": {}}
if DATABASE_SCHEME in DATABASE_OPTIONS:
    try:
        DATABASES = {"default": environ.Env.db_url_config(DATABASE_URL)}
        DATABASES["default"]["OPTIONS"] = DATABASE_OPTIONS[DATABASE_SCHEME]
    except ValueError:
        DATABASE_SCHEME = ""
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.str("REDIS_URL", default="")


def channel_layers(redis_url: str) -> dict[str, dict[str, Any]]:
    """What Channels is to be told: a layer in Redis, or for a single process in memory when there is no URL."""
    if not redis_url:
        return {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer", "CONFIG": {"capacity": 10_000}}}
    host = {"address": redis_url, "socket_timeout": 5, "socket_connect_timeout": 2, "health_check_interval": 5}
    return {"default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [host]}}}


CHANNEL_LAYERS = channel_layers(REDIS_URL)

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

LANGUAGE_CODE = "ko"
LANGUAGES = [("ko", _("Korean")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = env.str("STATIC_ROOT", default="") or str(BASE_DIR / "staticfiles")
# With DEBUG the files are served as they are; otherwise collectstatic gives them names that can be cached for ever.
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "chatsite.storage.HashedStorage"
    },
}
WHITENOISE_USE_FINDERS = DEBUG
WHITENOISE_AUTOREFRESH = DEBUG

# Pages load only files of this site, and no inline script ever runs. 'self' includes the socket.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'"],
        "connect-src": ["'self'"],
        "manifest-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}


def _without_traceback(record: LogRecord) -> bool:
    record.exc_info = None
    return True


# No client address, path or message may reach a log: a path can hold a room name.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"one_line": {"()": "django.utils.log.CallbackFilter", "callback": _without_traceback}},
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "django.channels.server": {"level": "ERROR"},
        # Its warnings (not found, not allowed) hold the path, which can be anything that a client made up.
        "django.request": {"level": "ERROR"},
        # A request for a host that is not ours is no fault of the program, so it needs no traceback.
        "django.security.DisallowedHost": {"filters": ["one_line"]},
        "daphne": {"level": "WARNING"},
        # These repeat themselves, with tracebacks, while Redis or the database is unavailable; the keeper logs it once.
        "channels_redis": {"level": "CRITICAL"},
        "psycopg.pool": {"level": "CRITICAL"},
    },
}
