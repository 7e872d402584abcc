"""What a patch names in sets is resolved as it comes in, and need not be looked at again (RFC 8620 §5.3)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from posthouse.capabilities.mail.email import email
from posthouse.engine.given import as_kept
from posthouse.kit.json import JsonObject
from posthouse.proto.jmap import patch
from posthouse.proto.jmap.errors import SetError

CREATED = {"k": "m1", "K": "m2", "x1": "m9"}
CURRENT: JsonObject = {"keywords": {"$seen": True, "a/b": True}, "mailboxIds": {"m1": True}}

members = st.sampled_from(["#k", "#K", "#nosuch", "m1", "M1"]) | st.text("aAbB$é~/#01", max_size=5)
patches = st.dictionaries(
    st.tuples(st.sampled_from(["keywords", "mailboxIds"]), members).map("/".join),
    st.sampled_from([True, None]),
    max_size=4,
)


@given(patches)
def test_resolving_a_set_anew_changes_nothing_that_its_patch_has_named(given_patch: JsonObject) -> None:
    kept, done = as_kept(email, given_patch, CREATED)
    try:
        new = patch.apply(kept, CURRENT, email.default_values)
    except SetError:
        return
    for name in done:
        assert new[name] == email.properties[name].kind.resolved(new[name], CREATED)


def test_a_set_that_is_also_given_whole_is_not_done() -> None:
    whole = {"keywords": {"A": True}, "mailboxIds/#k": True, "subject": "x"}
    kept, done = as_kept(email, whole, CREATED)
    assert {"keywords": {"A": True}, "mailboxIds/m1": True, "subject": "x"} == kept
    assert {"mailboxIds"} == done
