"""Writing the Response object (RFC 8620 §3.4)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from posthouse.kit import json
from posthouse.proto.jmap.response import encode_response


def test_a_response_is_joined_from_its_parts() -> None:
    body = encode_response(
        [("a/get", [b'{"list":', b"[]}"], "c1"), ("error", [b'{"type":"x"}'], "c2")], None, "s1"
    )
    expected = (
        b'{"methodResponses":[["a/get",{"list":[]},"c1"],["error",{"type":"x"},"c2"]],"sessionState":"s1"}'
    )
    assert expected == body


def test_created_ids_are_there_only_if_given() -> None:
    assert b'{"methodResponses":[],"sessionState":"s"}' == encode_response([], None, "s")
    assert b'{"methodResponses":[],"createdIds":{},"sessionState":"s"}' == encode_response([], {}, "s")


@given(
    st.lists(
        st.tuples(
            st.text(max_size=5),
            st.dictionaries(st.text(max_size=5), st.text(max_size=5)),
            st.text(max_size=5),
        )
    ),
    st.none() | st.dictionaries(st.text(max_size=5), st.text(max_size=5)),
    st.text(max_size=5),
)
def test_any_names_and_call_ids_come_out_as_they_are(
    responses: list[tuple[str, dict[str, str], str]], created_ids: dict[str, str] | None, state: str
) -> None:
    body = encode_response(
        ((name, [json.dumps(value)], call_id) for name, value, call_id in responses), created_ids, state
    )
    expected: json.JsonObject = {
        "methodResponses": [list(response) for response in responses],
        "sessionState": state,
    }
    if created_ids is not None:
        expected["createdIds"] = created_ids
    assert expected == json.loads_strict(body)
