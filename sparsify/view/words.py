"""Numbers as people read them, the unit beside the figure."""

from __future__ import annotations

from collections.abc import Callable, Mapping


def percent(share: float, digits: int = 1) -> str:
    """A share of 1: `0.9` is `90.0%`."""
    return f"{share:.{digits}%}"


def size(count_bytes: float) -> str:
    """Decimal units: `90433541` is `90.4 MB`."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if abs(count_bytes) >= scale:
            return f"{count_bytes / scale:.1f} {unit}"
    return f"{count_bytes:.0f} B"


def seconds(duration_seconds: float) -> str:
    """`0.0042` is `4.2 ms`, `75` is `1 min 15 s`."""
    if duration_seconds >= 60:
        minutes, rest = divmod(round(duration_seconds), 60)
        return f"{minutes} min {rest:02d} s"
    if duration_seconds >= 1:
        return f"{duration_seconds:.1f} s"
    return f"{1e3 * duration_seconds:.1f} ms"


def milliseconds(duration_ms: float) -> str:
    """`9.97 ms`, `27.4 ms`, `180 ms`, `2,930 ms`: three digits or more."""
    if duration_ms >= 999.5:
        return f"{duration_ms:,.0f} ms"
    return f"{duration_ms:#.3g}".rstrip(".") + " ms"


def number(value: float) -> str:
    """At most four significant digits, whole numbers in full with thousands apart."""
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:.4g}"


def rounded(count: int) -> str:
    """As `short`, but thousands in full, with a comma: `22713601` is `22.7 M`."""
    return short(count) if count >= 1e6 else f"{count:,}"


def metric(value: float) -> str:
    """A metric of the task, to the fourth decimal; of large ones, four digits."""
    return f"{value:.4f}" if abs(value) < 1000 else f"{value:.4g}"


UNITS: dict[str, Callable[[float], str]] = {
    "_fraction": percent,
    "_bytes": size,
    "_seconds": seconds,
    "_ms": lambda value: seconds(value / 1e3),
    "_mb": lambda value: size(value * 1e6),
}
"""What a fact's name ends in -> how its value is written; the ending is then left out."""


def label_and_figure(name: str, value: float) -> tuple[str, str]:
    """A fact in two cells: `sparsity_fraction`, 0.9 is `sparsity` and `90.0%`."""
    for ending, write in UNITS.items():
        if name.endswith(ending) and name != ending:
            return name.removesuffix(ending).replace("_", " "), write(value)
    return name.replace("_", " "), number(value)


def fact(name: str, value: float) -> str:
    """A fact with its unit: `sparsity_fraction`, 0.9 is `sparsity 90.0%`."""
    return " ".join(label_and_figure(name, value))


def facts(values: Mapping[str, float]) -> str:
    """Several facts in one line."""
    return ", ".join(fact(name, value) for name, value in values.items())


def plural(count: int, noun: str) -> str:
    """`1 pass`, `2 passes`, `0 weights`."""
    ending = "es" if noun.endswith(("s", "x", "ch")) else "s"
    return f"{count:,} {noun}{'' if count == 1 else ending}"


def short(value: float) -> str:
    """Three significant digits and a letter: `85054464` is `85.1 M`; below a thousand in full."""
    for letter, scale in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(value) >= 0.9995 * scale:
            figure = value / scale
            return f"{figure:.{max(0, 2 - len(str(int(figure + 0.05))) + 1)}f} {letter}"
    return f"{value:.0f}"


def span(low: str, high: str) -> str:
    """`80-95%` of `80%` and `95%`; one of them where they are equal."""
    return low if low == high else f"{low.removesuffix('%')}-{high}"
