"""The site's settings for the tests, independent of this machine's environment.

pytest-django reads the settings before any conftest.py, so the environment is put right here. It also turns DEBUG off,
so what production needs must be there.
"""

import os
import tempfile
from pathlib import Path

for name in ("REDIS_URL", "DATABASE_URL", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "WEB_CONCURRENCY"):
    os.environ.pop(name, None)
static = tempfile.TemporaryDirectory()
(Path(static.name) / "staticfiles.json").write_text("{}")
os.environ |= {"DEBUG": "1", "SECRET_KEY": "only-for-tests-" * 3, "STATIC_ROOT": static.name}

from chatsite.settings import *  # noqa: E402, F403
