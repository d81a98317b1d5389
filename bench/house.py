"""A scratch house to measure: its own folder, ports and database, with everything switched on."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from heard.lib import cluster

CROWD = """
done = function(summary, latency)
  local bad = summary.errors.status + summary.errors.timeout + summary.errors.read
  print("CROWD", latency:percentile(50), latency:percentile(95), summary.requests,
    summary.duration, bad)
end
"""

WARM = 40

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class House:
    """One installation in a temporary folder; commands run as a user would run them."""

    home: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="heard-bench-")))
    port: int = field(default_factory=lambda: free_port())
    live_port: int = field(default_factory=lambda: free_port())
    cookie: str = ""
    idle: float = 0.0
    """CPU seconds a second that web and database use when nobody asks for anything."""
    _run: subprocess.Popen[str] | None = None

    @property
    def environment(self) -> dict[str, str]:
        own = {
            "HEARD_HOME": str(self.home),
            "HEARD_PORT": str(self.port),
            "HEARD_LIVE_PORT": str(self.live_port),
            "HEARD_URL": f"http://127.0.0.1:{self.port}",
        }
        outside = {k: v for k, v in os.environ.items() if not k.startswith("HEARD_")}
        outside.pop("DATABASE_URL", None)
        return outside | own

    def command(self, *words: str, stdin: str | None = None) -> str:
        """Run `heard …` and return what it printed; ends the bench when it fails."""
        done = subprocess.run(
            [heard(), *words],
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.exit(f"heard {' '.join(words)}: {done.stdout}{done.stderr}")
        return done.stdout

    def python(self, code: str) -> str:
        """Run a few lines inside the house, with Django set up."""
        done = subprocess.run(
            [sys.executable, "-c", "import django; django.setup()\n" + code],
            env=self.environment | {"DJANGO_SETTINGS_MODULE": "heard.settings"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.exit(done.stderr[-3000:])
        return done.stdout

    def database(self) -> psycopg.Connection[tuple[object, ...]]:
        """A connection of our own."""
        return psycopg.connect(self.database_url(), autocommit=True)

    def database_url(self) -> str:
        return self.python(
            "from heard import environment; print(environment.database_url())"
        ).strip()

    def start(self) -> float:
        """Start everything (`heard run`) and wait for the first page; seconds that took."""
        began = time.monotonic()
        self._run = subprocess.Popen(
            [heard(), "run"],
            env=self.environment,
            stdout=(self.home / "run.log").open("a"),
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        while time.monotonic() - began < 120:
            with suppress(OSError, http.client.HTTPException):
                if get(self.port, "/")[0] < 400:
                    return time.monotonic() - began
            if self._run.poll() is not None:
                sys.exit((self.home / "run.log").read_text()[-3000:])
            time.sleep(0.05)
        sys.exit("heard did not start within two minutes")

    def stop(self) -> None:
        if self._run is not None:
            self._run.send_signal(signal.SIGINT)
            self._run.wait(60)
            self._run = None

    def remove(self) -> None:
        self.stop()
        subprocess.run(
            [
                sys.executable,
                "-c",
                "from pathlib import Path; from heard.lib import postgres; import sys; "
                "h=Path(sys.argv[1]); postgres.stop(h); postgres.remove(h)",
                str(self.home),
            ],
            check=False,
            capture_output=True,
        )
        shutil.rmtree(self.home, ignore_errors=True)

    def sign_in(self) -> None:
        """Become the owner, by the one-time link of the terminal."""
        self.python(
            "from heard.staff.models import User\n"
            "User.objects.filter(role='owner').exists() or "
            "User.objects.create_user('owner@house.example', 'a long password', name='Olga Owner', "
            "role='owner')"
        )
        said = self.command("signin_link", "--always")
        link = urlsplit(re.findall(r"https?://\S+", said)[-1])
        path, jar = f"{link.path}?{link.query}" if link.query else link.path, dict[str, str]()
        method, body = "GET", b""
        for _ in range(5):
            status, page, headers = ask(self.port, method, path, body=body, cookies=jar)
            if "sessionid" in jar and status in {302, 303}:
                break
            token = re.search(rb'name="csrfmiddlewaretoken" value="([^"]+)"', page)
            if status in {301, 302, 303}:
                path, method, body = headers["location"], "GET", b""
            elif token:
                method, body = "POST", b"csrfmiddlewaretoken=" + token.group(1)
        self.cookie = "; ".join(f"{name}={value}" for name, value in jar.items())
        if get(self.port, "/inbox/all/", self.cookie)[0] != 200:
            sys.exit("the owner could not sign in")

    def web(self) -> list[int]:
        """The processes that serve pages."""
        return [pid for pid in self.processes() if b"wsgi" in command_line(pid)]

    def postgres(self) -> list[int]:
        """The processes of this house's database, and of no other's."""
        pidfile = cluster.locate(self.home).data / "postmaster.pid"
        return descendants(int(pidfile.read_text().split()[0])) if pidfile.exists() else []

    def processes(self) -> list[int]:
        """Everything that `heard run` has started."""
        assert self._run is not None
        return descendants(self._run.pid)


def heard() -> str:
    return str(Path(sys.executable).parent / "heard")


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def ask(
    port: int, method: str, path: str, *, body: bytes = b"", cookies: dict[str, str]
) -> tuple[int, bytes, dict[str, str]]:
    """One request that keeps a jar of cookies."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in cookies.items())}
    if body:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        headers["Referer"] = f"http://127.0.0.1:{port}/"
    connection.request(method, path, body=body, headers=headers)
    response = connection.getresponse()
    page = response.read()
    for name, value in response.getheaders():
        if name.lower() == "set-cookie":
            key, _, rest = value.partition("=")
            cookies[key.strip()] = rest.split(";", 1)[0]
    connection.close()
    return response.status, page, {k.lower(): v for k, v in response.getheaders()}


def get(port: int, path: str, cookie: str = "") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.request("GET", path, headers={"Cookie": cookie} if cookie else {})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


@dataclass(frozen=True)
class Timing:
    """Latencies of requests in milliseconds, requests a second, CPU milliseconds a request."""

    p50: float
    p95: float
    per_second: float
    cpu: float
    count: int


def probe(house: House, path: str, *, count: int, clients: int = 1) -> Timing:
    """Get a page `count` times over kept connections; CPU is that of web and database together."""
    took: list[float] = []
    left = [count]
    lock = threading.Lock()

    def visit() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=120)
        while True:
            with lock:
                if left[0] <= 0:
                    return
                left[0] -= 1
            began = time.perf_counter()
            connection.request("GET", path, headers={"Cookie": house.cookie})
            response = connection.getresponse()
            response.read()
            if response.status != 200:
                sys.exit(f"{path} answered {response.status}")
            took.append(1000 * (time.perf_counter() - began))

    warm(house, path)
    cpu, began = cpu_seconds(house), time.perf_counter()
    threads = [threading.Thread(target=visit) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - began
    took.sort()
    return Timing(
        p50=round(statistics.median(took), 1),
        p95=round(took[int(0.95 * (len(took) - 1))], 1),
        per_second=round(len(took) / seconds, 1),
        cpu=round(1000 * (cpu_seconds(house) - cpu - house.idle * seconds) / len(took), 1),
        count=len(took),
    )


def warm(house: House, path: str) -> None:
    """Visit a page until each process has its statements planned."""
    for _ in range(WARM):
        get(house.port, path, house.cookie)


def calm(house: House, *, seconds: float = 90) -> None:
    """Wait until what an import set going in the worker and the database is done."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        before, mine = cpu_of_all(house), cpu_seconds(house)
        time.sleep(3)
        house.idle = max(0.0, (cpu_seconds(house) - mine) / 3)
        if cpu_of_all(house) - before < 0.3:
            break


def crowd(house: House, path: str, *, clients: int, seconds: int = 5) -> Timing:
    """A page by many at once: with wrk, whose own work does not count; without it by threads."""
    if shutil.which("wrk") is None:
        return probe(house, path, count=400, clients=clients)
    warm(house, path)
    cpu = cpu_seconds(house)
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(CROWD)
        script.flush()
        said = subprocess.run(
            ["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "-s", script.name,
             "-H", f"Cookie: {house.cookie}", f"http://127.0.0.1:{house.port}{path}"],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
    p50, p95, count, took, failed = (float(n) for n in said.split("CROWD")[1].split())
    if failed:
        sys.exit(f"{path}: {said}")
    return Timing(
        p50=round(p50 / 1000, 1),
        p95=round(p95 / 1000, 1),
        per_second=round(count / took * 1e6, 1),
        cpu=round(1000 * (cpu_seconds(house) - cpu - house.idle * took / 1e6) / count, 1),
        count=int(count),
    )


def cpu_of_all(house: House) -> float:
    """CPU that everything of the house has used."""
    return sum(cpu_of(pid) for pid in house.processes() + house.postgres())


def cpu_seconds(house: House) -> float:
    """CPU that the web processes and the database have used."""
    return sum(cpu_of(pid) for pid in house.web() + house.postgres())


def cpu_of(pid: int) -> float:
    with suppress(OSError, IndexError):
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS
    return 0.0


def pss_mb(pids: Sequence[int]) -> float:
    """Proportional memory of processes in MB."""
    total = 0
    for pid in pids:
        with suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
    return round(total / 1024, 1)


def command_line(pid: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def descendants(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError, IndexError):
                parent = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
                children.setdefault(parent, []).append(int(folder.name))
    found, todo = [], [root]
    while todo:
        here = todo.pop()
        found.append(here)
        todo += children.get(here, [])
    return found


@contextmanager
def watched(every: float, look: Callable[[], None]) -> Iterator[None]:
    """Call `look` every so many seconds while the body runs."""
    ended = threading.Event()

    def loop() -> None:
        while not ended.wait(every):
            look()

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
