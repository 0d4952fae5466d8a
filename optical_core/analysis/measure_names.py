"""Names of measures, as ir-measures has them: nDCG@20, AP(rel=2), RBP(p=0.9,rel=1), Judged@10."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from functools import lru_cache

import ir_measures
from ir_measures.measures import Measure, registry
from ir_measures.measures.base import MeanAgg

from optical_core.errors import InputError
from optical_core.wording import listed

_LONGEST = 80
_DEEPEST = 1_000_000
"""Largest number in a name: trec_eval ends the process at numbers that it can't count with."""
_EXTRA = "cwl_eval"
_SOME = ["AP", "nDCG@10", "R@100", "RR", "Judged@10"]


def measure_names(names: Iterable[str]) -> tuple[str, ...]:
    """Check names of measures, and give each in ir-measures' own form, once.

    RBP and the like count grades as they are, or from a least one on, `rel`. Where only the latter
    can be computed and no `rel` is given, it is 1.

    Raises:
        InputError: there is no such measure, or it can't be computed here.

    Examples:
        >>> measure_names(["MAP", "nDCG@20", "AP"])
        ('AP', 'nDCG@20')
    """
    return tuple(dict.fromkeys(str(parsed_measure(name)) for name in names))


def is_measure(name: str) -> bool:
    """Whether a measure has this name and can be computed here.

    Examples:
        >>> is_measure("P@5"), is_measure("model")
        (True, False)
    """
    try:
        parsed_measure(name)
    except InputError:
        return False
    return True


def mean_name(name: str) -> str:
    """What the mean over queries is called: MAP for AP, MRR for RR, otherwise as the measure.

    Examples:
        >>> mean_name("AP"), mean_name("RR@10"), mean_name("AP(rel=2)"), mean_name("P@10")
        ('MAP', 'MRR@10', 'MAP(rel=2)', 'P@10')
    """
    return f"M{name}" if re.match(r"(AP|RR)(?!\w)", name) else name


def needed_depth(names: Iterable[str]) -> int:
    """The largest cutoff: a run that is shorter would lower the measure. 0 if none has one.

    Examples:
        >>> needed_depth(["AP", "R@2000", "P@10"])
        2000
    """
    cutoffs = (parsed_measure(name).params.get("cutoff", 0) for name in names)
    return max(cutoffs, default=0)


def check_depth(names: Iterable[str], depth: int) -> None:
    """Refuse measures that look at more passages than a run has.

    Raises:
        InputError: says which depth is needed.

    Examples:
        >>> check_depth(["R@1000"], 100)
        Traceback (most recent call last):
        ...
        optical_core.errors.InputError: R@1000 needs a depth of at least 1,000, got 100
    """
    for name in names:
        if (needed := needed_depth([name])) > depth:
            raise InputError(f"{name} needs a depth of at least {needed:,}, got {depth:,}")


@lru_cache(maxsize=1024)
def parsed_measure(name: str) -> Measure:
    """Read a measure's name.

    Raises:
        InputError: as `measure_names`.

    Examples:
        >>> parsed_measure("RBP(p=0.9)")
        RBP(p=0.9,rel=1)
    """
    try:
        measure = ir_measures.parse_measure(name if len(name) <= _LONGEST else "")
    except NameError as error:
        raise InputError(_unknown(name)) from error
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(
            f"{name[:_LONGEST]!r} is no name of a measure: one is written like nDCG@20, AP(rel=2) "
            "or RBP(p=0.9,rel=1)"
        ) from error
    _check_settings(measure, name)
    if not isinstance(measure.aggregator(), MeanAgg):
        raise InputError(f"{name} has no mean over queries: it counts them together")
    return _computable(measure, name)


def _check_settings(measure: Measure, name: str) -> None:
    """Refuse settings that the measure lacks, and numbers that trec_eval can't take."""
    for key, value in measure.params.items():
        if key not in measure.SUPPORTED_PARAMS:
            known = listed(sorted(measure.SUPPORTED_PARAMS)) or "no settings"
            raise InputError(f"the measure {name} has no setting {key!r}; it has {known}")
        least, most = (1 if key in ("cutoff", "rel") else 0), (1 if key == "p" else _DEEPEST)
        if type(value) in (int, float) and not least <= value <= most:
            raise InputError(f"the measure {name}: {key} must be from {least} to {most:,}")
    try:
        measure.validate_params()
    except AssertionError as error:
        missing = re.fullmatch(r"invalid param (\w+)=<object object at \w+>", str(error))
        problem = f"it needs a {missing[1]}" if missing else str(error)
        raise InputError(f"the measure {name} can't be read: {problem}") from error


def _computable(measure: Measure, name: str) -> Measure:
    """The measure, if an installed provider computes it; else with `rel` 1, if one does so."""
    forms = [measure]
    if "rel" in measure.SUPPORTED_PARAMS and "rel" not in measure.params:
        forms.append(measure(rel=1))
    for form in forms:
        if ir_measures.DefaultPipeline.supports(form):
            return form
    for form in forms:
        for provider in ir_measures.DefaultPipeline.providers:
            if provider.supports(form):
                command = provider.install_instructions() or provider.NAME
                if provider.NAME == _EXTRA:
                    command = 'pip install "optical-workbench[measures]"'
                raise InputError(f"the measure {name} needs another package: {command}")
    raise InputError(f"the measure {name} can't be computed with these settings: leave some out")


def _unknown(name: str) -> str:
    asked = re.split(r"[@(]", name)[0]
    names = {known.casefold(): measure.NAME for known, measure in registry.items()}
    folded = asked.casefold()
    found = [folded] if folded in names else get_close_matches(folded, names, cutoff=0.6)
    near = list(dict.fromkeys(str(names[key]) for key in found)) or _SOME
    return f"there is no measure {asked!r}: did you mean {listed(near, word='or')}?"
