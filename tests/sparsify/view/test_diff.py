"""Comparisons as text: side by side where there is room, one under the other where not."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from expecttest import assert_expected_inline
from rich.console import Console

from sparsify.compare import Change, Comparison, Section
from sparsify.compare.programs import compare_texts
from sparsify.view.diff import diff_view
from sparsify.view.diff_stat import stat_view


def facts(shape: list[int], zeros: float, **more: Any) -> dict[str, Any]:
    return {"shape": shape, "sparsity_fraction": zeros, **more}


def query(layer: int, zeros: float) -> Change:
    return Change(
        name=f"bert.encoder.layer.{layer}.attention.self.query.weight",
        old=facts([384, 384], 0.0),
        new=facts([384, 384], zeros, moved_fraction=0.0),
        gone=round(384 * 384 * zeros),
    )


MODELS = Comparison(
    kind="models", old="dense", new="sparse",
    sections=[
        Section(
            name="weights", unit="numbers", same=5,
            changes=[
                query(0, 0.5),
                query(1, 0.75),
                Change(
                    name="pooler.bias", old=facts([384], 0.0),
                    new=facts([384], 0.0, moved_fraction=0.5, largest_move=0.25),
                ),
                Change(name="head.weight", old=None, new=facts([2, 384], 0.0), come=768),
            ],
        )
    ],
)  # fmt: skip
RECIPES = Comparison(
    kind="recipes", old="a", new="b",
    sections=[
        Section(
            name="keys", unit="keys", same=9,
            changes=[
                Change(
                    name="passes.prune.sparsity", old={"value": 0.5, "default": False},
                    new={"value": 0.9, "default": False}, gone=1, come=1,
                ),
                Change(
                    name="passes.prune.scope", old={"value": "weight", "default": True},
                    new={"value": "row", "default": False}, gone=1, come=1,
                ),
            ],
        )
    ],
)  # fmt: skip
BEFORE = """program(%x: f32[b,8])
  %a : f32[b,8] = relu(%x)
  %b : f32[b,4] = linear(%a, @0.weight)
  %c : f32[b,4] = linear(%b, @1.weight)
  return [%c]"""
AFTER = """program(%x: f32[b,8])
  %masked : f32[4,8] = mul(@0.weight, @0.weight_mask)  # 50.0% zero
  %a : f32[b,8] = relu(%x)
  %b : f32[b,4] = linear(%a, %masked)
  %c : f32[b,4] = linear(%b, @1.weight)
  return [%c]"""
PROGRAMS = compare_texts(BEFORE, AFTER, "r@clean", "r@prune")


def test_weights_of_alike_layers_share_a_row_at_120(rendered: Callable[..., str]) -> None:
    assert_expected_inline(
        rendered(diff_view(MODELS), width=120, encoding="ascii"),
        """\
--- dense
+++ sparse
+----------------------------------------------------------------------------------------------------------------------+
|weights                                              | old                | new                                       |
|-----------------------------------------------------+--------------------+-------------------------------------------|
|bert.encoder.layer.*.attention.self.query.weight (2) | 384x384, 0.0% zero | 384x384, 50.0 to 75.0% zero               |
|pooler.bias                                          | 384, 0.0% zero     | 384, 0.0% zero, 50.0% moved, by at most   |
|                                                     |                    | 0.25                                      |
|head.weight                                          |                    | 2x384, 0.0% zero                          |
+----------------------------------------------------------------------------------------------------------------------+
weights: 4 changed, +768 -184,320 numbers, 5 equal""",  # noqa: E501  a wide terminal
    )


def test_what_does_not_fit_side_by_side_is_one_under_the_other(
    rendered: Callable[..., str],
) -> None:
    assert_expected_inline(
        rendered(diff_view(MODELS, full=True), width=60, encoding="ascii"),
        """\
--- dense
+++ sparse

weights
  bert.encoder.layer.0.attention.self.query.weight
    - 384x384, 0.0% zero
    + 384x384, 50.0% zero
  bert.encoder.layer.1.attention.self.query.weight
    - 384x384, 0.0% zero
    + 384x384, 75.0% zero
  pooler.bias
    - 384, 0.0% zero
    + 384, 0.0% zero, 50.0% moved, by at most 0.25
  head.weight
    + 2x384, 0.0% zero
weights: 4 changed, +768 -184,320 numbers, 5 equal""",
    )


def test_a_stat_has_one_line_a_thing_and_a_total(rendered: Callable[..., str]) -> None:
    assert_expected_inline(
        rendered(stat_view(MODELS), encoding="ascii"),
        """\
--- dense
+++ sparse
 ...encoder.layer.0.attention.self.query.weight  |  73,728 -------------
 ...encoder.layer.1.attention.self.query.weight  | 110,592 --------------------
 pooler.bias                                     |         ~ 50.0% moved
 head.weight                                     |     768 +
weights: 4 changed, +768 -184,320 numbers, 5 equal""",
    )


def test_keys_stand_beside_one_another_and_defaults_are_told(
    rendered: Callable[..., str],
) -> None:
    assert_expected_inline(
        rendered(diff_view(RECIPES), encoding="ascii"),
        """\
--- a
+++ b
+--------------------------------------------------------+
|keys                  | old                 | new       |
|----------------------+---------------------+-----------|
|passes.prune.sparsity | 0.5                 | 0.9 (+0.4)|
|passes.prune.scope    | weight, the default | row       |
+--------------------------------------------------------+
keys: 2 changed, 9 equal""",
    )
    assert_expected_inline(
        rendered(stat_view(RECIPES), encoding="ascii"),
        """\
--- a
+++ b
 passes.prune.sparsity | 0.5 -> 0.9
 passes.prune.scope    | weight, the default -> row
keys: 2 changed, 9 equal""",
    )


def test_lines_of_programs_are_unified_where_they_are_long(rendered: Callable[..., str]) -> None:
    assert_expected_inline(
        rendered(diff_view(PROGRAMS), encoding="ascii"),
        """\
--- r@clean
+++ r@prune
@@ -1 +1 @@
 program(%x: f32[b,8])
+%masked : f32[4,8] = mul(@0.weight, @0.weight_mask) # 50.0% zero
 %a : f32[b,8] = relu(%x)
-%b : f32[b,4] = linear(%a, @0.weight)
+%b : f32[b,4] = linear(%a, %masked)
 %c : f32[b,4] = linear(%b, @1.weight)
calls: 1 changed, +1 -0, 2 equal; lines: +2 -1""",
    )


def test_lines_of_programs_are_beside_one_another_where_they_fit(
    rendered: Callable[..., str],
) -> None:
    assert_expected_inline(
        rendered(diff_view(PROGRAMS), width=140, encoding="ascii"),
        """\
--- r@clean
+++ r@prune
@@ -1 +1 @@
program(%x: f32[b,8])                                                  program(%x: f32[b,8])
                                                                     > %masked : f32[4,8] = mul(@0.weight, @0.weight_mask) # 50.0% zero
%a : f32[b,8] = relu(%x)                                               %a : f32[b,8] = relu(%x)
%b : f32[b,4] = linear(%a, @0.weight)                                | %b : f32[b,4] = linear(%a, %masked)
%c : f32[b,4] = linear(%b, @1.weight)                                  %c : f32[b,4] = linear(%b, @1.weight)
calls: 1 changed, +1 -0, 2 equal; lines: +2 -1""",  # noqa: E501  a wide terminal
    )


def test_places_of_all_layers_are_shown_once_unless_asked(rendered: Callable[..., str]) -> None:
    layers = range(4)
    lines = [f"  %b_{n} : f32[2] = linear(%a_{n}, @layer.{n}.weight)" for n in layers]
    between = ["  %c : f32[2] = relu(%b)"] * 3
    before = "\n".join(line for each in lines for line in (each, *between))
    found = compare_texts(before, before.replace("linear", "sparse"), "r@a", "r@b")
    assert "and 3 places like it" in rendered(diff_view(found))
    assert rendered(diff_view(found)).count("-%b") == 1
    assert rendered(diff_view(found, full=True)).count("-%b") == 4


def test_a_long_run_of_one_call_is_counted(rendered: Callable[..., str]) -> None:
    after = "\n".join(f"  %m_{n} : f32[2] = mul(@w{n}, @m{n})" for n in range(20))
    text = rendered(diff_view(compare_texts("", after, "r@a", "r@b")))
    assert "... 17 more calls of mul" in text
    assert text.count("= mul(") == 3


def test_equal_things_have_no_difference(rendered: Callable[..., str]) -> None:
    same = compare_texts(BEFORE, BEFORE, "r@a", "r@b")
    assert rendered(diff_view(same)) == "--- r@a\n+++ r@b\nno difference"
    assert rendered(stat_view(same)) == "--- r@a\n+++ r@b\nno difference"


def test_old_is_red_and_new_is_green_where_there_are_colours() -> None:
    file = io.StringIO()
    Console(file=file, width=80, force_terminal=True, color_system="standard", _environ={}).print(
        diff_view(PROGRAMS)
    )
    assert "\x1b[31m-%b" in file.getvalue()
    assert "\x1b[32m+%b" in file.getvalue()
