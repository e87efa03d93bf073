"""The teacher of a run, and the training of its student."""

from __future__ import annotations

from pathlib import Path

from sparsify.program import Program
from sparsify.run.job import Job
from sparsify.run.teacher import fine_tune, session
from sparsify.run.trackers import tracking
from sparsify.training import train


def learn(job: Job, given: Program | None, work: Path, resume: bool) -> None:
    """Get the teacher, then train the student."""
    recipe, setup, watch = job.loaded.recipe, job.setup, job.clock.watch
    if given is not None:
        job.dense = given
    elif recipe.teacher is not None:
        settings = recipe.teacher.fine_tune
        with job.clock.phase("teacher"):
            fine_tune(job.dense, settings, setup, work, recipe.seed, resume, watch)
    if recipe.train is None:
        return
    of_run = session(
        setup.program, job.dense, setup, recipe.train, work / "student", recipe.seed, watch
    )
    with job.clock.phase("train"), tracking(job.output / "logs"):
        job.report.history = train(
            of_run,
            recipe.train,
            task_weight=recipe.train.task_weight,
            evaluate_every=recipe.train.evaluate_every,
            checkpoint_every=recipe.train.checkpoint_every,
            report_to=recipe.train.report_to,
            log_every=recipe.train.log_every,
            resume=resume,
            seed=recipe.seed,
        )
    job.history = of_run.history
