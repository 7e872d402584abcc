"""The capabilities of sharing in the Session object (RFC 9670 §1.4, §1.5)."""

from __future__ import annotations

from posthouse.kit import json
from posthouse.kit.json import JsonObject
from townhall.hall import ANNA, ANNAS, BOBS, COUNCIL, COUNCILS, TOWN, Hall, caller, visited, wire

PRINCIPALS = "urn:ietf:params:jmap:principals"
OWNER = "urn:ietf:params:jmap:principals:owner"


def session(hall: Hall) -> JsonObject:
    shown: JsonObject = json.loads_strict(hall.engine.session(hall.caller, "https://town.example"))
    return shown


def of_account(hall: Hall, wire: str) -> JsonObject:
    found: JsonObject = session(hall)["accounts"][wire]["accountCapabilities"]
    return found


def test_the_session_names_the_principals_and_not_the_owner(hall: Hall) -> None:
    """It does not appear in the JMAP Session capabilities."""
    capabilities = session(hall)["capabilities"]
    assert {} == capabilities[PRINCIPALS]
    assert OWNER not in capabilities


def test_the_account_of_the_principals_names_the_caller_s_own(hall: Hall) -> None:
    found = of_account(hall, TOWN.wire)
    assert {"currentUserPrincipalId": wire(ANNA)} == found[PRINCIPALS]
    assert OWNER not in found
    assert "https://bakery.example/jmap" not in found
    assert TOWN.wire == session(hall)["primaryAccounts"][PRINCIPALS]


def test_every_other_account_names_its_owner(hall: Hall) -> None:
    hall.caller = caller(ANNA, COUNCIL, also=[COUNCILS])
    for account, owner in ((ANNAS, ANNA), (COUNCILS, COUNCIL)):
        found = of_account(hall, account.wire)
        assert {"accountIdForPrincipal": TOWN.wire, "principalId": wire(owner)} == found[OWNER]
        assert PRINCIPALS not in found


def test_an_account_in_which_nothing_is_subscribed_is_with_its_principal_only(hall: Hall) -> None:
    """The Session object MUST only include Accounts where the user is subscribed to at least one record."""
    hall.caller = caller(ANNA, also=[visited(BOBS, ANNA, is_listed=False)])
    assert {ANNAS.wire, TOWN.wire} == session(hall)["accounts"].keys()
    found = [one["accounts"] for one in hall.ask("Principal/get", ids=None)["list"] if one["accounts"]]
    assert {ANNAS.wire, BOBS.wire} == {wire for accounts in found for wire in accounts}


def test_principals_are_in_their_own_account_only(hall: Hall) -> None:
    refused = hall.refusal("Principal/get", accountId=ANNAS.wire, ids=None)
    assert "accountNotSupportedByMethod" == refused["type"]
