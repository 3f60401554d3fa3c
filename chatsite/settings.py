"""Settings of the site, all taken from the environment.

Knows the environment and the installed packages; must not know rules of rooms (their limits are in
``rooms.conf``, read from ``ROOMS_…`` variables). The names are listed in the README.
"""

from pathlib import Path
from typing import Any

import environ
from django.utils.translation import gettext_lazy as _

from chatsite import (
    __version__,
    limits,  # noqa: F401 - an invalid limit of the server ends every command here, also those that start no server
)
from chatsite.environment import HOST, ORIGIN, PREFIX, addresses, flag, number, path, text, words, zone

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

# As clients are told in the answer to a hello.
PROGRAM = f"Sarangbang {__version__}"

DEBUG = flag("DEBUG", False)
# The development key is public, so it is only ever used with DEBUG; rooms.checks refuses it elsewhere.
SECRET_KEY = env.str("SECRET_KEY", default="") or ("development-only-key" if DEBUG else "")
ALLOWED_HOSTS = words("ALLOWED_HOSTS", HOST, "host names without scheme and port, such as chat.example.org")
CSRF_TRUSTED_ORIGINS = words("CSRF_TRUSTED_ORIGINS", ORIGIN, "origins such as https://chat.example.org")
# Only where a web server in front overwrites X-Forwarded-Proto: otherwise a client could set it to anything.
TRUST_PROXY = flag("TRUST_PROXY", False)
if TRUST_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# Such a web server terminates TLS, so nothing of a login or a form ever travels in the clear. The visitor's cookie is
# in rooms.visitors.
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = TRUST_PROXY
if TRUST_PROXY:
    # Browsers take cookies of such a name from this very host only, and only over TLS.
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"
    LANGUAGE_COOKIE_NAME = "__Host-django_language"

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
# Where the moderators' pages are. Another path keeps those away who try passwords everywhere.
ADMIN_PATH = path("ADMIN_PATH", "admin/", {"chat", "i18n", "jsi18n", "privacy", "random", "static", "ws"})
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
    # All queries of the sockets share one thread; pages and the admin use a few more. Every wait has a bound: for a
    # connection, for the kernel to notice that a line is dead, for a query, for another's lock. A pool that cannot
    # connect waits longer and longer between its tries, so this one gives up soon; the next query makes it try again.
    "postgresql": {
        "pool": {"min_size": 0, "max_size": 4, "timeout": 2, "reconnect_timeout": 2},
        "connect_timeout": 2,
        "tcp_user_timeout": 3000,
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 2,
        "options": "-c statement_timeout=3000 -c lock_timeout=3000",
    },
}
DATABASE_SCHEME = {"postgres": "postgresql"}.get(scheme := DATABASE_URL.partition(":")[0], scheme)
DATABASES: dict[str, dict[str, Any]] = {"default": {}}


def database(url: str, ours: dict[str, Any]) -> dict[str, Any]:
    """What Django is to be told of a database: every parameter of the URL reaches the driver, and comes before ours.

    Raises:
        ValueError: this is no address of a database.
    """
    result: dict[str, Any] = environ.Env.db_url_config(url)
    given = {name: value for name, value in result.get("OPTIONS", {}).items() if name != "pool"}
    if not result["NAME"] and "service" not in given:
        raise ValueError("the database has no name")
    if "options" in given:
        # Of two settings of one name PostgreSQL takes the last.
        given["options"] = f"{ours.get('options', '')} {given['options']}"
    return {**result, "OPTIONS": {**ours, **given}}


if DATABASE_SCHEME in DATABASE_OPTIONS:
    try:
        DATABASES = {"default": database(DATABASE_URL, DATABASE_OPTIONS[DATABASE_SCHEME])}
    except ValueError:
        DATABASE_SCHEME = ""
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.str("REDIS_URL", default="")
# What every key in Redis starts with; the installation's own id follows, so that several may share a Redis.
REDIS_PREFIX = text("REDIS_PREFIX", "sarangbang:", PREFIX, "letters, digits and any of : . / { } - _")
# Whether the operator knows and accepts that Redis writes what is said to disk, or throws away keys in use.
REDIS_ACCEPT_DISK = flag("REDIS_ACCEPT_DISK", False)
REDIS_ACCEPT_EVICTION = flag("REDIS_ACCEPT_EVICTION", False)


def channel_layers(redis_url: str) -> dict[str, dict[str, Any]]:
    """What Channels is to be told: a layer in Redis, or for a single process in memory when there is no URL."""
    if not redis_url:
        return {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer", "CONFIG": {"capacity": 10_000}}}
    host = {"address": redis_url, "socket_timeout": 5, "socket_connect_timeout": 2, "health_check_interval": 5}
    return {"default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [host]}}}


CHANNEL_LAYERS = channel_layers(REDIS_URL)

# gunicorn reads these itself (deploy/gunicorn.conf.py); here every command says when they make no sense.
addresses("BIND", "127.0.0.1:8000")
number("WEB_CONCURRENCY", 1, 1, 1000, "processes")

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

LANGUAGE_CODE = "ko"
LANGUAGES = [("ko", _("Korean")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
# What the moderators read times in; the database and the wire know none.
TIME_ZONE = zone("TIME_ZONE", "Asia/Seoul")
USE_TZ = True
FORMAT_MODULE_PATH = ["chatsite.formats"]

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


# No client address, path or message may reach a log: a path can hold a room name.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "no_traceback": {"()": "chatsite.logs.NoTraceback"},
        "no_path": {"()": "chatsite.logs.NoPath"},
        # One for each, so that the lines of one do not stand in the way of another's.
        **{f"sparing_{name}": {"()": "chatsite.logs.OncePerMinute"} for name in ("hosts", "forms", "sockets")},
    },
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "django.channels.server": {"level": "ERROR"},
        # Its warnings (not found, not allowed) hold the path, which can be anything that a client made up.
        "django.request": {"level": "ERROR"},
        # A request for a host that is not ours is no fault of the program, so it needs no traceback.
        "django.security.DisallowedHost": {"filters": ["sparing_hosts", "no_traceback"]},
        "django.security.csrf": {"filters": ["no_path", "sparing_forms"]},
        "rooms.consumers.origin": {"filters": ["sparing_sockets"]},
        # It logs requests that are not answered in time, with their address.
        "daphne.server": {"filters": ["no_path"]},
        "daphne": {"level": "WARNING"},
        # These repeat themselves, with tracebacks, while Redis or the database is unavailable; the keeper logs it once.
        "channels_redis": {"level": "CRITICAL"},
        "psycopg.pool": {"level": "CRITICAL"},
    },
}
