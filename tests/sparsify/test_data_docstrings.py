"""The made task: no names of libraries, no file or text in both splits."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from sparsify.data import docstrings
from sparsify.data.prose import prose
from sparsify.errors import Problem


@pytest.mark.parametrize(
    ("docstring", "expected"),
    [
        (
            "Returns a torch.Tensor or np.ndarray of the same size as numpy made it.",
            "Returns a Tensor or ndarray of the same size as made it.",
        ),
        (
            "The sum of all nodes in the graph.\n\n    >>> import networkx as nx\n    ... more",
            "The sum of all nodes in the graph.",
        ),
        (
            "See :class:`~pandas.DataFrame` and https://pandas.pydata.org since version 1.2.3 ok.",
            "See DataFrame and since version ok.",
        ),
        ("Short text of five words.", None),
        ("PyTorch's HuggingFace _torch_ pd.Series nx.Graph one two three four",
         "'s Series Graph one two three four"),
        ("graph next npm hfs transformation it is", "graph next npm hfs transformation it is"),
    ],
)  # fmt: skip
def test_names_examples_and_links_are_taken_out(docstring: str, expected: str | None) -> None:
    assert prose(docstring) == expected


def test_sixty_words_are_kept() -> None:
    assert prose("word " * 100) == " ".join(["word"] * 60)


@pytest.fixture
def libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two libraries of forty files of three functions; one text stands in every file."""
    for library in ("one", "two"):
        (tmp_path / library / "tests").mkdir(parents=True)
        for file in range(40):
            code = '"""This very sentence stands at the top of every file."""\n' + "".join(
                f'def f{n}():\n    """The {library} function {file} {n} has these words."""\n'
                for n in range(3)
            )
            (tmp_path / library / f"part{file}.py").write_text(code)
        (tmp_path / library / "tests" / "test_x.py").write_text('"""' + "test " * 20 + '"""')
        (tmp_path / library / "broken.py").write_text('"""Never parsed because of this: """ )(')
    monkeypatch.setattr(docstrings, "LIBRARIES", ("one", "two"))
    monkeypatch.setattr(docstrings, "_folder", tmp_path.joinpath)
    return tmp_path


@pytest.mark.usefixtures("libraries")
def test_train_and_validation_share_no_file_and_no_text() -> None:
    made = docstrings.make()
    train, validation = (
        [text for (text,) in split.texts] for split in (made.train, made.validation)
    )
    assert len({*train, *validation}) == len(train) + len(validation) == 2 * 40 * 3
    files = [{" ".join(text.split()[1:4]) for text in split} for split in (train, validation)]
    assert files[1]
    assert not files[0] & files[1]


@pytest.mark.usefixtures("libraries")
def test_the_same_installation_gives_the_same_rows() -> None:
    assert docstrings.make() == docstrings.make()


@pytest.mark.usefixtures("libraries")
def test_classes_are_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docstrings, "TRAIN_ROWS", 30)
    monkeypatch.setattr(docstrings, "VALIDATION_ROWS", 5)
    made = docstrings.make()
    assert Counter(made.train.labels) == {0: 30, 1: 30}
    assert Counter(made.validation.labels) == {0: 5, 1: 5}
    assert made.label_names == ("one", "two")


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docstrings, "LIBRARIES", ("no_such_library",))
    with pytest.raises(Problem) as caught:
        docstrings.make()
    assert str(caught.value) == (
        "data: made: docstrings needs no_such_library, which is not installed;"
        " pip install 'sparsify-fx[demo]'"
    )


def test_installed_libraries_are_found_and_read() -> None:
    folder = docstrings._folder("networkx")
    found = [prose(text) for text in docstrings._docstrings(folder / "classes" / "graph.py")]
    assert len([text for text in found if text]) > 20
