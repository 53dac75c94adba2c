"""Explanation of a rater's taste by task vectors."""

import json
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from personalize.exports.fits import FitFacts
from personalize.files import banks
from personalize.management.command import ModelCommand
from personalize.management.progress import progress_bar
from personalize.worker.model_export import fit_for_export
from personalize.worker.new_exact_fit import fit_now


class Command(ModelCommand):
    help = "Say by which task vectors a rater's exact fit differs from the start that all raters share, as far as the ratings support it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--rater", type=UUID, required=True, help="id of the rater")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        facts = _facts(options["rater"])
        if options["json"]:
            self.stdout.write(json.dumps({name: facts[name] for name in ("rater", "bank", "ratings", "task_shares")}, indent=1))
            return
        self._print(facts, banks.read_metadata(settings.PAV["BANK"]).tasks)

    def _print(self, facts: FitFacts, tasks: tuple[str, ...]) -> None:
        shares = facts["task_shares"]
        self.stdout.write(f"Rater {facts['rater']}, exact fit to {facts['ratings']} ratings, bank {facts['bank']}.")
        if not shares:
            self.stdout.write(
                "Nothing can be said: the ratings do not show that the rater has more or less of any task vector than everybody."
            )
            return
        self.stdout.write("Compared with the start that all raters share, and with 95 % intervals:")
        for task, one in sorted(shares.items(), key=lambda pair: -pair[1]["share"]):
            amount, share = f"{one['coefficient']:+.2f} +- {1.96 * one['sd']:.2f}", f"{one['share']:.0%}"
            word = "more" if one["coefficient"] > 0 else "less"
            self.stdout.write(
                f"{word} of {task} ({amount}), which explains {share} ({one['low']:.0%} to {one['high']:.0%}) of the change in the ranking"
            )
        if others := [task for task in tasks if task not in shares]:
            self.stdout.write(f"Nothing can be said of {', '.join(others)}.")


def _facts(rater: UUID) -> FitFacts:
    """The facts of the exact fit that is active, or of one that is made now."""
    active = fit_for_export(rater, "exact")
    if active is not None and "task_shares" in active.facts:
        return active.facts  # type: ignore[return-value]  # as stored
    instant = fit_for_export(rater, "instant")
    if instant is None:
        raise CommandError(f"There is no rater {rater} with a fit. A fit exists after the first rating.")
    with progress_bar() as progress:
        return fit_now(rater, instant.facts, settings.PAV["BANK"], progress).facts
