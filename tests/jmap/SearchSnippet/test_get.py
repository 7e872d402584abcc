"""SearchSnippet/get (RFC 8621 §5)."""

from __future__ import annotations

import pytest

from mailroom.room import Room, message


def snippets(room: Room, filter: object, *ids: str) -> list[tuple[str | None, str | None]]:
    answered = room.ask("SearchSnippet/get", filter=filter, emailIds=list(ids))
    assert list(ids) == [one["emailId"] for one in answered["list"]]
    return [(one["subject"], one["preview"]) for one in answered["list"]]


def test_what_matched_is_marked_and_the_rest_escaped(room: Room) -> None:
    id = room.imported(message("Foo & <bar>", "The foo is <here>.\n"))
    assert [("<mark>Foo</mark> &amp; &lt;bar&gt;", "The <mark>foo</mark> is &lt;here&gt;.")] == snippets(
        room, {"text": "foo"}, id
    )


def test_html_is_shown_without_its_markup(room: Room) -> None:
    id = room.imported(message("s", "<p>One <b>foo</b></p>", Content_Type="text/html"))
    [(_, preview)] = snippets(room, {"body": "foo"}, id)
    assert "One <mark>foo</mark>" == (preview or "").strip()


def test_without_a_text_to_look_for_both_are_null(room: Room) -> None:
    id = room.imported(message())
    for filter in (None, {"hasKeyword": "$seen"}, {"operator": "NOT", "conditions": [{"text": "short"}]}):
        assert [(None, None)] == snippets(room, filter, id)


def test_what_is_not_there_is_named(room: Room) -> None:
    answered = room.ask("SearchSnippet/get", filter={"text": "x"}, emailIds=["e999", "m1"])
    assert ([], ["e999", "m1"]) == (answered["list"], answered["notFound"])


@pytest.mark.parametrize(
    ("filter", "type"), [({"unknown": 1}, "unsupportedFilter"), ({"text": 1}, "invalidArguments")]
)
def test_a_filter_that_is_wrong_is_refused(room: Room, filter: dict[str, object], type: str) -> None:
    assert type == room.refusal("SearchSnippet/get", filter=filter, emailIds=[])["type"]
