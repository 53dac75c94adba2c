"""Benchmark of a rating study: how long an answer takes while many participate, and the export of many trials: `./pav bench study`."""

import argparse
import asyncio
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import numpy as np

from benchmarks.stack import FILL, PATIENCE_SECONDS, running
from pav_site.environment import BASE

SLUG = "bench"
STUDY = """
from ratings.studies import services
photos = "\\n".join(f"  - {{{{sha256: {{photo.sha256}}}}}}" for photo in Photo.objects.order_by("id"))
text = '''
pav_study: 1
slug: bench
title: Bench
contact: bench@example.org
seed: 1
scale: {{kind: likert, points: 7, labels: {{1: low, 7: high}}}}
consent: {{text: Bench, withdraw_until: 2999-01-01}}
instructions: {{text: Bench}}
trials: {{blocks: [{{name: first}}, {{name: second, again: first}}]}}
participants: {{places: 100000, per_address: 100000/hour}}
primary_statistic: icc_ak
photos:
''' + photos + "\\n"
study = services.create_study(owner_id=None, slug="bench", text=text)
services.change_state(study, "open", by=None)
"""
TRIALS = """
from django.db import connection
from ratings.models import Participant, Study, StudyPhoto
study = Study.objects.get(slug="bench")
first = Participant.objects.filter(study=study).count() + 1
from django.utils import timezone
Participant.objects.bulk_create([Participant(study=study, design=study.design, mode="main", number=first + n, pseudonym=f"B{first + n}",
    withdrawal_code=f"bench-{first + n}", language="en", consent_hash="", row=n, state="completed", step="done", lease_until=timezone.now())
    for n in range(PEOPLE)], batch_size=1000)
photo = StudyPhoto.objects.filter(study=study).first().pk
connection.cursor().execute(f'''
    INSERT INTO ratings_trial (participant_id, client_id, place, attempt, phase, block, position, photo_id, dealt_by, value, skipped,
        timed_out, changes, time_origin, shown_ms, answer_ms, hidden, viewport_width, viewport_height, device_pixel_ratio, orientation,
        input_kind, created_at)
    SELECT p.id, gen_random_uuid(), t, 0, 'main', 'first', t + 1, {photo}, 'random', 1 + t % 7, false, false, '[]', 1.8e12, 1000.5,
        2500.25, '[]', 390, 844, 3, 'portrait-primary', 'touch', now()
    FROM ratings_participant p, generate_series(0, EACH - 1) t WHERE p.number >= {first}''')
connection.cursor().execute("VACUUM ANALYZE ratings_trial")
"""
EACH = 200  # trials of a participant, in the export


class Participant:
    """A participant with a session of their own, but without a browser."""

    def __init__(self, address: str) -> None:
        self.address, self.page = address, str(uuid4())
        self.http = httpx.AsyncClient(base_url=address, timeout=PATIENCE_SECONDS, follow_redirects=True)
        self.trials: list[dict[str, Any]] = []

    async def arrive(self) -> None:
        await self.http.get(f"/study/{SLUG}/")
        await self._form(f"/study/{SLUG}/", {"decision": "agree"})
        await self._form(f"/study/{SLUG}/run/", {"step": "instructions"})
        reply = await self.http.post(f"/api/v1/studies/{SLUG}/claim", json={"page": self.page}, headers=self._headers())
        self.trials = reply.raise_for_status().json()["trials"]

    async def _form(self, path: str, fields: dict[str, str]) -> None:
        fields = fields | {"csrfmiddlewaretoken": self.http.cookies["csrftoken"]}
        (await self.http.post(path, data=fields, headers=self._headers())).raise_for_status()

    def _headers(self) -> dict[str, str]:
        return {"X-CSRFToken": self.http.cookies["csrftoken"], "Origin": self.address}

    async def answer(self) -> float:
        """Seconds until the server has stored an answer."""
        trial = self.trials.pop(0)
        body = {
            "client_id": str(uuid4()), "page": self.page, "place": trial["place"], "token": trial["token"], "value": random.randint(1, 7),
            "time_origin": 1.8e12, "shown_ms": 1000, "first_input_ms": 1900, "answer_ms": 2000, "viewport_width": 390,
            "viewport_height": 844, "device_pixel_ratio": 3, "input_kind": "touch",
        }  # fmt: skip
        return await self._timed(body, 201)

    async def refused(self) -> float:
        """Seconds of a request that is refused before anything is done."""
        return await self._timed({}, 422)

    async def _timed(self, body: dict[str, Any], status: int) -> float:
        start = time.perf_counter()
        reply = await self.http.post(f"/api/v1/studies/{SLUG}/trials", json=body, headers=self._headers())
        assert reply.status_code == status, reply.text
        return time.perf_counter() - start


async def _measure(address: str, count: int, trials: int, pause: float) -> tuple[list[float], list[float]]:
    people = [Participant(address) for _number in range(count)]
    for person in people:
        await person.arrive()
    observer = Participant(address)
    await observer.arrive()
    refused: list[float] = []

    async def observe() -> None:
        while True:
            refused.append(await observer.refused())
            await asyncio.sleep(0.2)

    async def take_part(person: Participant) -> list[float]:
        await asyncio.sleep(random.uniform(0, pause))
        times = []
        for _trial in range(trials):
            started = time.perf_counter()
            times.append(await person.answer())
            await asyncio.sleep(max(0, pause - (time.perf_counter() - started)))
        return times

    observing = asyncio.create_task(observe())
    answered = await asyncio.gather(*(take_part(person) for person in people))
    observing.cancel()
    for person in (*people, observer):
        await person.http.aclose()
    return [one for own in answered for one in own], refused


def _export(folder: Path, trials: int) -> tuple[float, float]:
    """Seconds and the largest memory in MB of an export of so many trials. `folder` is the PAV_VAR of the installation."""
    environment = os.environ | {"PAV_VAR": str(folder), "PYTHONPATH": str(BASE), "PYTHONWARNINGS": "ignore"}
    manage = [sys.executable, str(BASE / "manage.py")]
    code = TRIALS.replace("PEOPLE", str(trials // EACH)).replace("EACH", str(EACH))
    subprocess.run([*manage, "shell", "-v0", "-c", code], env=environment, check=True)
    with tempfile.TemporaryDirectory() as out:
        start = time.perf_counter()
        process = subprocess.Popen(
            [*manage, "export_study", SLUG, "--out", out, "--no-agreement"], env=environment, stdout=subprocess.DEVNULL
        )
        _pid, status, usage = os.wait4(process.pid, 0)
        assert status == 0
        return time.perf_counter() - start, _megabytes(usage)


def _megabytes(usage: resource.struct_rusage) -> float:
    return usage.ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="pav bench study", description=__doc__)
    parser.add_argument("--photos", type=int, default=40)
    parser.add_argument("--participants", type=int, default=50)
    parser.add_argument("--trials", type=int, default=30, help="measured trials of each participant")
    parser.add_argument("--pause", type=float, default=2.0, help="seconds from one trial of a participant to the next")
    parser.add_argument("--export", type=int, nargs="*", default=[100_000, 1_000_000], help="numbers of trials to export")
    options = parser.parse_args(arguments)
    with running(options.photos, FILL + STUDY) as (address, file):
        answered, refused = asyncio.run(_measure(address, options.participants, options.trials, options.pause))
        print(
            f"{options.participants} participants, a trial every {options.pause:g} s; {len(answered)} answers. Milliseconds.\n", flush=True
        )
        print("| request | p50 | p95 | most |\n|---|---|---|---|")
        for name, times in (("an answer is stored", answered), ("one is refused at once, meanwhile", refused)):
            middle, high, most = 1000 * np.percentile(times, [50, 95, 100])
            print(f"| {name} | {middle:.1f} | {high:.1f} | {most:.1f} |")
        done = 0
        print("\n| trials in an export | seconds | memory, MB |\n|---|---|---|")
        for trials in options.export:
            seconds, memory = _export(file.parent, trials - done)
            done = trials
            print(f"| {trials:,} | {seconds:.1f} | {memory:.0f} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
