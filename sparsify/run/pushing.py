"""The folder of a result to the Hugging Face hub, when the user asks for it."""

from __future__ import annotations

from pathlib import Path

from sparsify.errors import Problem
from sparsify.report import WORK

WHERE = "--push-to-hub"


def require_pushable(repository: str) -> None:
    """Hold a repository's name to the hub's rules, before anything takes long.

    Raises:
        Problem: it is no name of a repository, or this machine is offline.
    """
    from huggingface_hub import constants
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    try:
        validate_repo_id(repository)
    except HFValidationError:
        what = f"{repository!r} is no name of a repository"
        raise Problem(what, where=WHERE, hint="write OWNER/NAME") from None
    if constants.HF_HUB_OFFLINE:
        raise _offline()


def push(folder: Path, repository: str) -> str:
    """Upload a result to `repository`, which is made where it is missing, and return its address.

    huggingface_hub finds the token, as `hf auth login` left it or in HF_TOKEN.

    Raises:
        Problem: the hub cannot be reached, or refuses; the result stays in `folder`.
    """
    import huggingface_hub
    from huggingface_hub.errors import (
        HfHubHTTPError,
        LocalTokenNotFoundError,
        OfflineModeIsEnabled,
    )

    hub = huggingface_hub.HfApi()
    try:
        hub.create_repo(repository, exist_ok=True)
        made = hub.upload_folder(
            folder_path=folder,
            repo_id=repository,
            commit_message="A sparse model with its report",
            ignore_patterns=[f"{WORK}/*", "*.part"],
        )
    except (OfflineModeIsEnabled, ConnectionError):
        raise _offline() from None
    except (HfHubHTTPError, LocalTokenNotFoundError) as error:
        says = str(error).strip().partition("\n")[0]
        hint = "log in with `hf auth login`, or set HF_TOKEN"
        raise Problem(f"the hub refuses ({says})", where=WHERE, hint=hint) from None
    return str(getattr(made, "repo_url", None) or made)


def _offline() -> Problem:
    return Problem(
        "the hub cannot be reached", where=WHERE, hint="go online, and unset HF_HUB_OFFLINE"
    )
