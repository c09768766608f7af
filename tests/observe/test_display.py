"""How a status looks in notebooks and on consoles, whatever the server wrote."""

from __future__ import annotations

import io
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from rodin_sdk import CompletedTask, Job, JobStatus, TaskStatus

TWO = TaskStatus((Job("mesh", JobStatus.DONE), Job("preview", JobStatus.WAITING, queue_length=3)))

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'&amp;<b>",
    "</li></ul></div><h1>",
    "[bold red]x[/bold red]",
    "[link=https://evil.example]x[/link]",
    "[/]",
    "\x1b[31mred\x1b]8;;https://evil.example\x07",
    "\u202egnp.exe\u2066",
    "a\r\n\tb\x00",
    "\ud800",
    ":warning:",
]

texts = st.one_of(st.sampled_from(HOSTILE), st.text())
jobs = st.builds(Job, texts, st.sampled_from(JobStatus), texts, st.none() | st.integers(0, 99))
tasks = st.builds(TaskStatus, st.lists(jobs, max_size=4), st.none() | texts, st.none() | texts)


class Reader(HTMLParser):
    """Reads what a browser would: the elements, and the text of each."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag == "progress" or not attrs
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append(data)


def html_of(status: TaskStatus) -> str:
    """Returns what a notebook asks for."""
    return status._repr_html_()  # pyright: ignore[reportPrivateUsage]


def printed(thing: object, width: int = 10_000) -> str:
    """Returns what rich writes to a terminal, without colours."""
    file = io.StringIO()
    Console(file=file, width=width, force_terminal=True, color_system=None, soft_wrap=True).print(thing)
    return file.getvalue()


def test_a_notebook_shows_state_progress_and_jobs() -> None:
    assert html_of(TWO) == (
        '<div><progress max="1" value="0.500"></progress> <strong>Generating: 1 of 2 jobs done</strong>'
        "<ul><li>mesh: Done</li><li>preview: Waiting (3 in the queue)</li></ul></div>"
    )


def test_a_console_shows_state_progress_and_jobs() -> None:
    plain = printed(TWO).replace("\x1b[1m", "").replace("\x1b[0m", "")
    assert plain == "Generating: 1 of 2 jobs done\n  mesh: Done\n  preview: Waiting (3 in the queue)\n"


def test_no_jobs_and_a_completed_task() -> None:
    assert "Waiting: no jobs yet" in html_of(TaskStatus())
    assert "Waiting: no jobs yet" in printed(TaskStatus())
    done = CompletedTask((Job("mesh", JobStatus.DONE),))
    assert "Done: 1 of 1 job done" in html_of(done)
    assert "mesh: Done" in printed(done)


def test_many_jobs_are_cut() -> None:
    many = TaskStatus(Job(f"job-{number}", JobStatus.DONE) for number in range(10_000))  # pyright: ignore[reportArgumentType]
    shown = Reader(html_of(many)).texts
    assert shown[0] == "Done: 10000 of 10000 jobs done"
    assert len(shown) == 22
    assert shown[-1] == "… and 9980 more"
    assert len(printed(many).splitlines()) == 22


@given(tasks)
def test_a_notebook_gets_text_and_no_markup(status: TaskStatus) -> None:
    reader = Reader(html_of(status))
    assert reader.tags == ["div", "progress", "strong", "ul", *(["li"] * len(status.jobs))]
    assert all(text.isprintable() for text in reader.texts)


@given(tasks)
def test_a_console_gets_text_and_no_commands(status: TaskStatus) -> None:
    lines = printed(status).replace("\x1b[1m", "").replace("\x1b[0m", "").splitlines()
    assert len(lines) == 1 + len(status.jobs)
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_a_console_takes_nothing_for_markup(text: str) -> None:
    status = TaskStatus((Job(text, JobStatus.DONE),))
    shown = printed(status)
    assert f"  {status.jobs[0]}\n" in shown
