"""Benchmark of the time from a swipe to the pushed ranking, over HTTP and websocket, on a separate installation: `./pav bench loop`."""

import argparse
import asyncio
import json
import random
from typing import Any

import numpy as np

from benchmarks.stack import FILL, Swipe, Swiper, running

# Raters with an account, who are signed in; the keys of their sessions lie where the benchmark finds them.
SIGN_IN = """
import os
from pathlib import Path
from django.contrib.auth.models import User
from django.test import Client
clients = [Client() for _ in range(ACCOUNTS)]
for n, client in enumerate(clients):
    client.force_login(User.objects.create(username=f"rater {{n}}"), "django.contrib.auth.backends.ModelBackend")
Path(os.environ["PAV_VAR"], "sessions").write_text("\\n".join(client.cookies["sessionid"].value for client in clients))
"""

PARTS = ("write and queue", "read", "fit", "store", "query", "push")
VALUES = ("dislike", "like", "love")


async def _swipe(swiper: Swiper, swipes: int, pause: float, rng: random.Random) -> list[Swipe]:
    times = []
    for _ in range(swipes):
        if pause:
            await asyncio.sleep(pause * rng.uniform(0.5, 1.5))
        times.append(await swiper.swipe(lambda _photo: rng.choice(VALUES)))
    return times


async def _measure(address: str, sessions: list[str], raters: int, swipes: int, pause: float) -> list[Swipe]:
    """Swipe `swipes` times as each of `raters` raters at once: by the next of these sessions, or as new guests where there are none."""
    swipers = [Swiper(address, sessions.pop() if sessions else None) for _ in range(raters)]
    for swiper in swipers:
        await swiper.arrive()
        await swiper.swipe(lambda _photo: "like")  # the first is a warm-up: it opens connections and fills pools
    times = await asyncio.gather(*(_swipe(swiper, swipes, pause, random.Random(seed)) for seed, swiper in enumerate(swipers)))
    for swiper in swipers:
        await swiper.leave()
    return [swipe for one in times for swipe in one]


def _parts(swipe: Swipe, fits: list[dict[str, Any]]) -> tuple[float, ...] | None:
    """Seconds of each of `PARTS`, which add up to the whole. Uses the last fit of as many events that was pushed before the arrival."""
    own = [fit for fit in fits if fit["seq"] == swipe.contained and swipe.sent < fit["push"][0] < swipe.arrived]
    if not own:
        return None
    fit = max(own, key=lambda fit: fit["push"][0])
    query = fit["query"][1] - fit["query"][0]
    return (
        fit["begin"][0] - swipe.sent,
        fit["fit"][0] - fit["begin"][0],
        fit["fit"][1] - fit["fit"][0],
        fit["push"][0] - fit["fit"][1] - query,
        query,
        swipe.arrived - fit["push"][0],
    )


async def _floor(address: str, rounds: int) -> np.ndarray:
    swiper = Swiper(address)
    await swiper.arrive()
    times = [await swiper.refused() for _ in range(rounds + 1)][1:]
    await swiper.leave()
    return np.array(times)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="pav bench loop", description=__doc__)
    parser.add_argument("--photos", type=int, default=2000)
    parser.add_argument("--raters", "--people", type=int, default=20)
    parser.add_argument("--swipes", type=int, default=60, help="measured swipes of each rater")
    parser.add_argument("--workers", type=int, default=1, help="refit workers; the parts of the time are from the fits of one")
    parser.add_argument("--pause", type=float, default=1.0, help="mean seconds between two swipes of a rater")
    parser.add_argument("--signed-in", action="store_true", help="as raters with an account, not as guests")
    options = parser.parse_args(arguments)
    runs = {
        "1 rater, without pauses": (1, options.swipes, 0),
        f"1 rater, a swipe every {options.pause:g} s": (1, options.swipes // 2, options.pause),
        f"{options.raters} raters, each a swipe every {options.pause:g} s": (options.raters, options.swipes, options.pause),
        f"{options.raters} raters, without pauses": (options.raters, options.swipes // 4, 0),
    }
    accounts = sum(raters for raters, _, _ in runs.values())
    fill = FILL + SIGN_IN.replace("ACCOUNTS", str(accounts)) if options.signed_in else FILL
    with running(options.photos, fill, queues=["refit"] * (options.workers - 1)) as (address, file):
        sessions = file.with_name("sessions").read_text().split() if options.signed_in else []
        floor = 1000 * asyncio.run(_floor(address, 100))
        rows = {name: asyncio.run(_measure(address, sessions, *run)) for name, run in runs.items()}
        fits = [json.loads(line) for line in file.read_text().splitlines()]
    print(f"{options.photos} photos, refit workers: {options.workers}. Milliseconds from the swipe to ...; ratio to a request")
    print(f"that is refused immediately (median {np.median(floor):.1f} ms, same installation).\n")
    print("| raters | acknowledged p50 | p95 | new ranking p50 | p95 | ratio p50 |\n|---|---|---|---|---|---|")
    for row, swipes in rows.items():
        written, arrived = (
            1000 * np.array([getattr(swipe, name) - swipe.sent for swipe in swipes]) for name in ("acknowledged", "arrived")
        )
        cells = (*np.percentile(written, [50, 95]), *np.percentile(arrived, [50, 95]))
        print(f"| {row} | " + " | ".join(f"{cell:.1f}" for cell in cells) + f" | {np.median(arrived) / np.median(floor):.1f} |")
    print("\nParts of the time to the new ranking, milliseconds, medians.\n")
    print(f"| raters | {' | '.join(PARTS)} |\n|---|" + "---|" * len(PARTS))
    for row, swipes in rows.items():
        parts = np.array([found for swipe in swipes if (found := _parts(swipe, fits))])
        print(f"| {row} | " + " | ".join(f"{1000 * cell:.1f}" for cell in np.median(parts, axis=0)) + " |")


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
