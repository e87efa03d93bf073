"""The verbs that list what there is: passes with their methods, and built-in recipes."""

from __future__ import annotations

from typing import Annotated

import typer

from sparsify.cli import completing, screen
from sparsify.cli.options import Json, Plugins
from sparsify.errors import Problem


def passes(plugin: Plugins = None, as_json: Json = False) -> None:
    """List every pass and every method, with the keys that a recipe may set."""
    from sparsify import kinds, plugins
    from sparsify.pipeline import Pass
    from sparsify.plugin_files import comes_from, load_file
    from sparsify.schema.catalog import catalog_facts
    from sparsify.view.catalog import catalog

    plugins.load()
    for each in plugin or ():
        load_file(each, where="--plugin")
    known = [cls for _, cls in sorted(Pass.known.items())]
    members = [member for kind in kinds.KINDS for member in kind.members.values()]
    modules = [cls.__module__ for cls in known] + [each.function.__module__ for each in members]
    origins = {module: comes_from(module) for module in modules}
    screen.answer(
        as_json,
        lambda: catalog_facts(known, kinds.KINDS, origins),
        lambda: catalog(known, kinds.KINDS, origins),
    )


def recipes(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]",
            help="Print this recipe instead.",
            autocompletion=completing.builtin_names,
        ),
    ] = None,
    resolved: Annotated[
        bool, typer.Option("--resolved", help="Print NAME with what it extends, without variables.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List the built-in recipes: what each is for, what it needs and what came of it."""
    from sparsify.schema.library import library
    from sparsify.view.catalog import recipes_view

    if name is not None:
        _recipe(name, resolved, as_json)
        return
    if resolved:
        raise Problem("resolves one recipe", where="--resolved", hint="name it")
    found = library()
    screen.answer(
        as_json,
        lambda: {each.name: each.model_dump(mode="json") for each in found},
        lambda: recipes_view(found),
    )


def _recipe(name: str, resolved: bool, as_json: bool) -> None:
    """Print one recipe as it is written, or as it is resolved."""
    from sparsify import schema
    from sparsify.schema.find import find, text_of
    from sparsify.schema.library import describe

    loaded = schema.read(name)
    text = loaded.text if resolved else text_of(find(name))
    if as_json:
        about = describe(loaded.name, find(name)).model_dump(mode="json")
        screen.write_json({**about, "text": text})
    else:
        screen.write(text)
