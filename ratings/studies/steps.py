"""Steps of a run through a study, in order, as far as the design has them."""

from ratings.studies.dealing import DealtTrial
from ratings.studies.design import StudyFile

DONE = "done"
OF_TRIALS = ("practice", "trials")


def steps_of(file: StudyFile) -> list[str]:
    """The steps after the consent. Screening questions come first, so that nobody reads instructions for nothing."""
    has = {
        "questions_before": bool(file.questions_before),
        "instructions": True,
        "practice": bool(file.practice),
        "comprehension": file.comprehension is not None,
        "trials": True,
        "questions_after": bool(file.questions_after),
        "debriefing": bool(file.debriefing),
        DONE: True,
    }
    return [step for step, exists in has.items() if exists]


def step_after(file: StudyFile, step: str) -> str:
    steps = steps_of(file)
    return steps[steps.index(step) + 1]


def trials_of_step(trials: tuple[DealtTrial, ...], step: str) -> tuple[DealtTrial, ...]:
    """The trials that a step shows; none where it shows no trials."""
    if step not in OF_TRIALS:
        return ()
    return tuple(trial for trial in trials if (trial.phase == "practice") == (step == "practice"))
