"""The settings of the tutorial's project, with either of the two Redis layers (LAYER is ``core`` or ``pubsub``).

https://channels.readthedocs.io/en/stable/tutorial/ and https://github.com/django/channels_redis
"""

import os

SECRET_KEY = "of-no-use-to-anyone"
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
INSTALLED_APPS = [
    "daphne",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
]
ROOT_URLCONF = "tutorial.urls"
ASGI_APPLICATION = "tutorial.asgi.application"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

BACKENDS = {
    "core": "channels_redis.core.RedisChannelLayer",
    "pubsub": "channels_redis.pubsub.RedisPubSubChannelLayer",
}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": BACKENDS[os.environ["LAYER"]],
        # The tutorial gives the address only. With redis-py 8 a quiet layer would then break after 5 s, and the core
        # layer, where each socket waits on a connection of its own, at the 101st socket.
        "CONFIG": {
            "hosts": [{"address": os.environ["REDIS_URL"], "socket_timeout": 60, "max_connections": 100_000}],
        },
    },
}
