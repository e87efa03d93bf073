"""The checks of a pass: what it says of itself, and what it does to each model."""

from __future__ import annotations

import inspect
import math
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass

from sparsify.contract.models import MODELS
from sparsify.contract.trial import Trial, difference, state
from sparsify.errors import Violation
from sparsify.pipeline import Pass
from sparsify.recipe import Recipe
from sparsify.schema import parse, to_yaml
from sparsify.verify import verify

SOURCE = re.compile(r"arXiv:\d{4}\.\d{4,5}|doi:10\.|[Ss]ource: \S")
FACT = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


@dataclass(frozen=True)
class Outcome:
    """One check on one model."""

    check: str
    model: str = ""
    """Empty where the check needs none."""
    fault: str = ""
    """What is wrong; empty where the check held."""
    left_out: str = ""
    """Why it could not be made: the pass refuses this model."""


def check_pass(each: Pass) -> list[Outcome]:
    """Every check of `each`, with its options, in order."""
    found = [Outcome(says, fault=check(each)) for says, check in OF_ITSELF.items()]
    trials = [Trial(each, model) for model in MODELS]
    runs_nowhere = all(trial.refused for trial in trials)
    for trial in trials:
        fault = trial.fault or (f"refuses every model: {trial.refused}" if runs_nowhere else "")
        left_out = "" if fault else trial.refused
        found.append(Outcome("runs, or refuses and changes nothing", trial.model, fault, left_out))
        if trial.refused and (changed := difference(trial.once, state(trial.before))):
            found[-1] = Outcome(found[-1].check, trial.model, f"refused, and changed {changed}")
    for says, check_trial in OF_A_RUN.items():
        ran = (trial for trial in trials if trial.report is not None)
        found += [Outcome(says, trial.model, check_trial(trial)) for trial in ran]
    return found


def _says_what_it_does(each: Pass) -> str:
    inherited = type(each).__doc__ == Pass.__doc__
    return "" if (each.__doc__ or "").strip() and not inherited else "the class has no docstring"


def _says_what_its_keys_mean(each: Pass) -> str:
    properties = type(each).model_json_schema().get("properties", {})
    silent = [name for name, schema in properties.items() if not schema.get("description")]
    return f"no docstring below {silent[0]!r}" if silent else ""


def _names_its_source(each: Pass) -> str:
    if each.exact:
        return ""
    module = sys.modules[type(each).__module__]
    known = SOURCE.search(inspect.getsource(module))
    return "" if known else "no arXiv:NUMBER, doi:NUMBER or `Source: ...` in its file"


def _survives_a_recipe(each: Pass) -> str:
    recipe = Recipe(passes=[each])
    again = parse(to_yaml(recipe))
    return "" if again.passes == recipe.passes else f"comes back as {again.passes[0]!r}"


def _keeps_the_spec(trial: Trial) -> str:
    try:
        verify(trial.program, after=trial.each.tag)
    except Violation as broken:
        return str(broken)
    return ""


def _keeps_inputs_and_shapes(trial: Trial) -> str:
    if trial.program.inputs.keys() != trial.before.inputs.keys():
        return f"takes {', '.join(trial.program.inputs)} now"
    shapes = [tuple(each.shape) for each in trial.program.outputs()]
    wanted = [tuple(each.shape) for each in trial.before.outputs()]
    return "" if shapes == wanted else f"outputs were {wanted} and are {shapes}"


def _keeps_its_promise(trial: Trial) -> str:
    return "" if trial.agrees else "`exact = True`, and outputs changed"


def _is_done_once(trial: Trial) -> str:
    if trial.fault:
        return trial.fault
    if trial.twice is None:
        return ""
    changed = difference(trial.once, trial.twice)
    return f"a second run changes {changed}" if changed else ""


def _tells_what_it_did(trial: Trial) -> str:
    report = trial.report
    assert report is not None
    told = report.did | report.left
    if not told:
        return "the report tells neither what was done nor what was left"
    if empty := [name for name, says in told.items() if not str(says).strip()]:
        return f"the report has no words for {empty[0]!r}"
    for name, value in report.facts.items():
        if not isinstance(value, int | float) or not math.isfinite(value):
            return f"the fact {name!r} is no finite number"
        if not FACT.fullmatch(name):
            return f"the fact {name!r} is not named like `masked_weights` or `size_bytes`"
    return ""


def _edits_only_the_program(trial: Trial) -> str:
    for name, part in trial.program.module.named_modules():
        if part._forward_hooks or part._forward_pre_hooks or part._backward_hooks:
            return f"leaves a hook on {name or 'the program'}; use program.plan"
    if trial.program.module.training != trial.before.module.training:
        return "switches between training and evaluation"
    return f"prints {trial.printed.splitlines()[0]!r}" if trial.printed.strip() else ""


OF_ITSELF: dict[str, Callable[[Pass], str]] = {
    "says what it does": _says_what_it_does,
    "says what each key means": _says_what_its_keys_mean,
    "names its source": _names_its_source,
    "is the same after a trip through YAML": _survives_a_recipe,
}
OF_A_RUN: dict[str, Callable[[Trial], str]] = {
    "leaves the spec holding": _keeps_the_spec,
    "keeps inputs and output shapes": _keeps_inputs_and_shapes,
    "keeps outputs, where it promises so": _keeps_its_promise,
    "twice is the same as once": _is_done_once,
    "tells what it did": _tells_what_it_did,
    "edits the program only, and prints nothing": _edits_only_the_program,
}
