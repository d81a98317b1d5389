"""The signed hook beside a bare view that verifies and inserts one row: same server, same run."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from bench.house import House, command_line, cpu_of, cpu_seconds, free_port, get

WAITING = "SELECT count(*) FROM delivery WHERE state = 'waiting'"

SCRIPT = """
local lines = {}
for line in io.lines("%s") do lines[#lines + 1] = line end
local n = 0
request = function()
  n = n + 1
  local id, stamp, signature, body = lines[n]:match("^(%%S+) (%%S+) (%%S+) (.*)$")
  return wrk.format("POST", "%s", {["webhook-id"]=id, ["webhook-timestamp"]=stamp,
    ["webhook-signature"]=signature, ["content-type"]="application/json"}, body)
end
"""

BARE = """
import hashlib, hmac, base64, json, os
from django.conf import settings
settings.configure(ROOT_URLCONF=__name__, SECRET_KEY="bench", ALLOWED_HOSTS=["*"], MIDDLEWARE=[],
    DATABASES={"default": json.loads(os.environ["BARE_DATABASE"])})
import django
django.setup()
from django.db import connection
from django.http import HttpResponse
from django.urls import path
KEY = base64.b64decode(os.environ["BARE_KEY"])
def hook(request):
    body = request.body
    signed = request.META["HTTP_WEBHOOK_ID"].encode() + b"." + \\
        request.META["HTTP_WEBHOOK_TIMESTAMP"].encode() + b"." + body
    wanted = "v1," + base64.b64encode(hmac.digest(KEY, signed, "sha256")).decode()
    if not hmac.compare_digest(wanted, request.META["HTTP_WEBHOOK_SIGNATURE"]):
        return HttpResponse(status=401)
    said = json.loads(body)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO bare (external_id, at, sender, text) "
            "VALUES (%s, now(), %s, %s) ON CONFLICT DO NOTHING",
            [said["id"], said["from"]["address"], said["text"]])
    return HttpResponse(b"{}", status=202)
urlpatterns = [path("hook/", hook)]
from django.core.wsgi import get_wsgi_application
application = get_wsgi_application()
"""


def signed(count: int, key: bytes, *, tag: str) -> str:
    """Lines of id, timestamp, signature and body."""
    lines = []
    for n in range(count):
        stamp = str(int(time.time()))
        body = json.dumps(
            {
                "id": f"{tag}{n}",
                "at": datetime.now(UTC).isoformat(),
                "text": f"Where is my order number {n}? It should have come on Monday.",
                "from": {"address": f"person{n % 500}", "name": "Ann Example"},
            }
        )
        name = f"{tag}-{n}"
        digest = hmac.digest(key, f"{name}.{stamp}.{body}".encode(), hashlib.sha256)
        lines.append(f"{name} {stamp} v1,{base64.b64encode(digest).decode()} {body}")
    return "\n".join(lines) + "\n"


def fire(port: int, path: str, lines: str, *, seconds: int) -> float:
    """Requests a second by wrk over 16 connections; it stops before the lines run out."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "lines").write_text(lines)
        (Path(folder) / "fire.lua").write_text(SCRIPT % (Path(folder) / "lines", path))
        said = subprocess.run(
            ["wrk", "-t1", "-c16", f"-d{seconds}s", "-s", f"{folder}/fire.lua",
             f"http://127.0.0.1:{port}"],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
    if "Non-2xx" in said:
        sys.exit(f"{path}: {said}")
    return float(said.split("Requests/sec:")[1].split()[0])


def measure(house: House, *, seconds: int = 6) -> dict[str, float]:
    """Hook and bare view, each alone; CPU of the hook includes taking the messages in."""
    if shutil.which("wrk") is None:
        return {}
    opened = house.command("inbox", "add", "hook", "--name", f"Hook {time.time_ns()}")
    words = opened.split()
    secret = next(word for word in words if word.startswith("whsec_")).strip(".,")
    address = next(word for word in words if "/hooks/" in word).strip(".,")
    path = "/hooks/" + address.split("/hooks/")[1]
    key = base64.b64decode(secret.removeprefix("whsec_"))
    fire(house.port, path, signed(4_000, key, tag="warm"), seconds=1)
    lines = signed(4_000 * seconds, key, tag="hot")
    drain(house)
    cpu = cpu_seconds(house) + worker_cpu(house)
    rate = fire(house.port, path, lines, seconds=seconds)
    taken = rate * seconds
    waited = drain(house)
    cpu = cpu_seconds(house) + worker_cpu(house) - cpu
    bare = bare_rate(house, seconds=seconds)
    return {
        "hook_per_second": round(rate),
        "bare_per_second": round(bare),
        "share_of_bare": round(rate / bare, 2),
        "cpu_seconds_per_1000": round(1000 * cpu / taken, 2),
        "taken_in_after_seconds": round(waited, 1),
    }


def drain(house: House) -> float:
    """Wait until every delivery is taken in."""
    began = time.monotonic()
    with house.database() as database:
        while time.monotonic() - began < 300:
            row = database.execute(
                "SELECT count(*) FROM delivery WHERE state = 'waiting'"
            ).fetchone()
            if row is None or row[0] == 0:
                break
            time.sleep(0.1)
    return time.monotonic() - began


def worker_cpu(house: House) -> float:
    """Of `heard worker`; the web server, which has `--workers`, is counted for itself."""
    words = {pid: command_line(pid).split(b"\0") for pid in house.processes()}
    return sum(cpu_of(pid) for pid, said in words.items() if b"worker" in said)


def bare_rate(house: House, *, seconds: int) -> float:
    key = os.urandom(24)
    settings = house.python(
        "import json; from django.conf import settings as s; d = dict(s.DATABASES['default']); "
        "print(json.dumps({k: d[k] for k in ('ENGINE','NAME','USER','PASSWORD','HOST','PORT',"
        "'CONN_MAX_AGE')}))"
    )
    with house.database() as database:
        database.execute(
            "CREATE TABLE IF NOT EXISTS bare (id bigserial PRIMARY KEY, external_id text UNIQUE, "
            "at timestamptz, sender text, text text)"
        )
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "bare.py").write_text(BARE)
        server = subprocess.Popen(
            [Path(sys.executable).parent / "granian", "--interface", "wsgi", "--workers", "2",
             "--blocking-threads", "1", "--port", str(port), "--no-log", "bare:application"],
            cwd=folder, env=os.environ | {"BARE_DATABASE": settings,
            "BARE_KEY": base64.b64encode(key).decode(), "PYTHONPATH": folder},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            for _ in range(100):
                try:
                    get(port, "/")
                    break
                except OSError:
                    time.sleep(0.1)
            fire(port, "/hook/", signed(8_000, key, tag="warm"), seconds=1)
            return fire(port, "/hook/", signed(6_000 * seconds, key, tag="hot"), seconds=seconds)
        finally:
            server.terminate()
            server.wait(20)
