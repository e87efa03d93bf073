"""The page of every verb of the command line, as its own `--help` tells it."""

from __future__ import annotations

from typing import Any

import typer

from docs.generate import markdown
from sparsify.cli import app

ABOUT = """# Commands

`sparsify VERB --help` says the same in the terminal.

"""


def page() -> str:
    # the classes of click, which some versions of typer bring along
    command: Any = typer.main.get_command(app)
    context = command.context_class(command, info_name="sparsify")
    parts = [ABOUT, f"{command.help}\n\n{command.epilog or ''}\n"]
    for name in command.list_commands(context):
        verb = command.get_command(context, name)
        if verb is not None and not verb.hidden:
            parts.append(told(verb, verb.context_class(verb, info_name=name, parent=context)))
    return "".join(parts)


def told(verb: Any, context: Any) -> str:
    usage = " ".join([context.command_path, *verb.collect_usage_pieces(context)])
    rows = []
    for each in verb.get_params(context):
        names = ", ".join(f"`{name}`" for name in (*each.opts, *each.secondary_opts))
        if each.param_type_name == "argument":
            names = f"`{each.metavar or each.name.upper()}`"
        rows.append((names, markdown.plain(getattr(each, "help", None) or "")))
    text = markdown.plain((verb.help or "").replace("\f", ""))
    return f"\n## `{verb.name}`\n\n{text}\n\n```\n{usage}\n```\n\n" + markdown.table(
        ("option", "meaning"), rows
    )
