"""From a swipe to the pushed new ranking, over HTTP and websocket, against a stack of its own: `./pav bench loop`."""

import argparse
import asyncio
import random

import numpy as np

from benchmarks.stack import Swiper, running

VALUES = ("dislike", "like", "love")


async def _one(swiper: Swiper, swipes: int, pause: float, rng: random.Random) -> list[tuple[float, float]]:
    times = []
    for _ in range(swipes):
        if pause:
            await asyncio.sleep(pause * rng.uniform(0.5, 1.5))
        times.append(await swiper.swipe(lambda _photo: rng.choice(VALUES)))
    return times


async def _measure(address: str, people: int, swipes: int, pause: float) -> np.ndarray:
    """(people * swipes, 2): seconds until written, until the ranking arrived."""
    swipers = [Swiper(address) for _ in range(people)]
    for swiper in swipers:
        await swiper.arrive()
        await swiper.swipe(lambda _photo: "like")  # the first is not counted: connections are opened, pools filled
    times = await asyncio.gather(*(_one(swiper, swipes, pause, random.Random(seed)) for seed, swiper in enumerate(swipers)))
    for swiper in swipers:
        await swiper.leave()
    return np.array([pair for one in times for pair in one])


async def _floor(address: str, rounds: int) -> np.ndarray:
    swiper = Swiper(address)
    await swiper.arrive()
    times = [await swiper.refused() for _ in range(rounds + 1)][1:]
    await swiper.leave()
    return np.array(times)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="pav bench loop", description=__doc__)
    parser.add_argument("--photos", type=int, default=2000)
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--swipes", type=int, default=60, help="counted swipes of each person")
    parser.add_argument("--pause", type=float, default=1.0, help="mean seconds between the swipes of one of many people")
    options = parser.parse_args(arguments)
    with running(options.photos) as address:
        floor = 1000 * asyncio.run(_floor(address, 100))
        rows = {
            "1 person, as fast as it goes": asyncio.run(_measure(address, 1, options.swipes, 0)),
            f"1 person, a swipe every {options.pause:g} s": asyncio.run(_measure(address, 1, options.swipes // 2, options.pause)),
            f"{options.people} people, each a swipe every {options.pause:g} s": asyncio.run(
                _measure(address, options.people, options.swipes, options.pause)
            ),
            f"{options.people} people, as fast as it goes": asyncio.run(_measure(address, options.people, options.swipes // 4, 0)),
        }
    print(f"{options.photos} photos. Milliseconds from the swipe to ...; ratio to a request that is refused at once")
    print(f"(median {np.median(floor):.1f} ms, run beside it).\n")
    print("| who | written p50 | p95 | new ranking p50 | p95 | ratio p50 |\n|---|---|---|---|---|---|")
    for who, times in rows.items():
        written, arrived = 1000 * times.T
        cells = (*np.percentile(written, [50, 95]), *np.percentile(arrived, [50, 95]))
        print(f"| {who} | " + " | ".join(f"{cell:.1f}" for cell in cells) + f" | {np.median(arrived) / np.median(floor):.1f} |")


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
