"""A page for each member of a kind, such as a criterion: its formula, source, keys and picture."""

from __future__ import annotations

from docs.generate import markdown
from docs.generate.pictures import picture
from sparsify.kinds import Kind, Member

PLURALS = {"criterion": "criteria", "loss": "losses"}
WHERE = {
    "criterion": "prune: {criterion: NAME, sparsity: 0.5}",
    "pattern": "prune: {pattern: NAME, criterion: magnitude, sparsity: 0.5}",
    "schedule": "prune: {schedule: NAME, criterion: magnitude, sparsity: 0.5}",
    "loss": "distill: {logits: {loss: NAME}}",
    "lowering": "export: {lowering: NAME}",
}


def folder(kind: Kind) -> str:
    return PLURALS.get(kind.name, f"{kind.name}s")


def index(kind: Kind) -> str:
    rows = [
        (f"[`{name}`]({name}.md)", markdown.cited(markdown.plain(member.summary)))
        for name, member in sorted(kind.members.items())
    ]
    about = f"# {folder(kind).capitalize()}\n\n{kind.question[0].upper()}{kind.question[1:]}\n\n"
    return about + markdown.table(("name", "what it is"), rows)


def pages(kind: Kind, member: Member) -> dict[str, str]:
    """The page of one method, and its picture where it has one."""
    path = f"reference/{folder(kind)}/{member.name}"
    given = ", ".join(f"`{name}`" for name in member.given)
    parts = [
        f"# {member.name}\n\n{markdown.described(member.function)}\n\n",
        f"It is given {given}.\n\n" if given else "",
        f"```yaml\n{WHERE[kind.name].replace('NAME', member.name)}\n```\n\n",
        markdown.keys(member.options.model_json_schema()),
    ]
    drawn = picture(kind, member)
    if drawn is None:
        return {f"{path}.md": "".join(parts)}
    drawing, caption = drawn
    parts.append(f"\n![{member.name}]({member.name}.svg)\n\n{caption}\n")
    return {f"{path}.md": "".join(parts), f"{path}.svg": drawing}
