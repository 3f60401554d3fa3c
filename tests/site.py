"""A whole site as docs and ``deploy/`` have it: gunicorn with several workers, nginx in front, Redis and PostgreSQL.

Knows how to start and end it, in a folder and on free ports of its own; must not know what is tested.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from tests.servers import ROOT, Cluster, cluster
from tests.stores import free_port, wait_for_port

APPLICATION = "chatsite.asgi:application"

MAIN = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx-main.log;
{user}
events {{ worker_connections {connections}; }}
http {{
    types {{ text/javascript js; text/css css; image/svg+xml svg; }}
    access_log {folder}/nginx-access.log;
    {temporary}
    include {folder}/site.conf;
}}
"""
"""The nginx.conf of a distribution, which includes a site and, as distributions do, keeps an access log."""


def nginx_program() -> str:
    """Where nginx is."""
    program = shutil.which("nginx", path=os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/usr/local/sbin"]))
    assert program, "nginx is not installed"
    return program


class Nginx:
    """The real nginx with our ``deploy/nginx.conf``, of which only ports and folders are changed.

    Args:
        folder: for its configuration, logs and temporary files; nothing else may be in it.
        upstreams: the ports of the server processes.
        static: the folder that STATIC_ROOT is in.
        connections: how many connections it takes.
        changes: texts of the site's configuration, and what takes their places.
    """

    def __init__(
        self,
        folder: Path,
        upstreams: list[int],
        static: Path,
        connections: int = 4096,
        changes: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.socket_url = f"ws://127.0.0.1:{self.port}/ws/"
        site = (ROOT / "deploy/nginx.conf").read_text()
        for there, here in {
            "listen 80;": f"listen 127.0.0.1:{self.port};",
            "server 127.0.0.1:8000;": " ".join(f"server 127.0.0.1:{port};" for port in upstreams),
            "server_name chat.example.org;": "server_name 127.0.0.1;",
            "/var/log/nginx/": f"{folder}/",
            "root /srv/sarangbang;": f"root {static};",
            **changes,
        }.items():
            assert there in site
            site = site.replace(there, here)
        (folder / "site.conf").write_text(site)
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        main = MAIN.format(
            folder=folder,
            connections=connections,
            # Its workers would be nobody, who may not enter a test's folder.
            user="user root;" if os.geteuid() == 0 else "",
            temporary=" ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds),
        )
        (folder / "nginx.conf").write_text(main)
        with (folder / "nginx-output.log").open("ab") as log:
            self.process = subprocess.Popen(
                [nginx_program(), "-p", str(folder), "-c", str(folder / "nginx.conf")], stdout=log, stderr=log
            )
        wait_for_port(self.port, self.process)

    def logs(self) -> str:
        """All that it has written."""
        return "".join(path.read_text() for path in sorted(self.folder.glob("*.log")))

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait()


class Gunicorn:
    """gunicorn with our ``deploy/gunicorn.conf.py``."""

    def __init__(self, environment: dict[str, str], log: Path, workers: int) -> None:
        self.port = free_port()
        self.log = log
        self._environment = environment | {"BIND": f"127.0.0.1:{self.port}", "WEB_CONCURRENCY": str(workers)}
        self.start()

    def start(self) -> None:
        """Start, on the same port as before, and wait until it listens."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", "-c", "deploy/gunicorn.conf.py", APPLICATION],
                env=os.environ | self._environment,
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )
        wait_for_port(self.port, self.process, 60)

    @property
    def children(self) -> list[int]:
        """The process ids of its workers, oldest first."""
        booted = re.findall(r"Booting worker with pid: (\d+)", self.log.read_text())
        return [pid for pid in map(int, booted) if _is_child(pid, self.process.pid)]

    def restart(self) -> None:
        """Replace all workers, as after an update."""
        self.process.send_signal(signal.SIGHUP)

    def terminate(self) -> float:
        """End it in good order; returns how many seconds that took."""
        begin = time.monotonic()
        self.process.terminate()
        self.process.wait()
        return time.monotonic() - begin

    def stop(self) -> None:
        """End it whatever it does."""
        if self.process.poll() is None:
            self.terminate()


class Site:
    """gunicorn behind nginx."""

    def __init__(self, system: Cluster, workers: int) -> None:
        self.system = system
        system.manage("collectstatic", "--noinput", "-v0")
        self.gunicorn = Gunicorn(system.environment, system.folder / "gunicorn.log", workers)
        self.nginx = Nginx(system.folder / "nginx", [self.gunicorn.port], system.folder)

    def logs(self) -> str:
        """All that nginx, gunicorn and its workers have written."""
        return self.nginx.logs() + self.gunicorn.log.read_text()

    def stop(self) -> None:
        """End both."""
        self.nginx.stop()
        self.gunicorn.stop()


@contextlib.contextmanager
def site(folder: Path, workers: int = 2) -> Iterator[Site]:
    """A site for as long as it is needed."""
    (folder / "static").mkdir()
    with cluster(folder, workers=0, environment={"STATIC_ROOT": str(folder / "static")}, quick=False) as system:
        running = Site(system, workers)
        try:
            yield running
        finally:
            running.stop()


def _is_child(pid: int, parent: int) -> bool:
    found = subprocess.run(["ps", "-o", "ppid=,stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return found.stdout.split()[:1] == [str(parent)] and "Z" not in found.stdout
