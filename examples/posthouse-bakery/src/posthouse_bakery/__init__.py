"""A bakery over JMAP: the capability ``https://bakery.example/jmap`` for Posthouse."""

from __future__ import annotations

from posthouse.kit.json import JsonObject
from posthouse.kit.limits import Limits
from posthouse.model.caller import Access, Caller
from posthouse.model.capability import Capability, Parameter
from posthouse.model.kind import Ref
from posthouse.model.ports import Calling, Txn
from posthouse.proto.jmap.errors import MethodError
from posthouse_bakery.cake import cake
from posthouse_bakery.order import order
from posthouse_bakery.recipe import recipe
from posthouse_bakery.shelf import shelf

__all__ = ["BAKERY", "cake", "order", "recipe", "shelf"]

URI = "https://bakery.example/jmap"


def _per_account(limits: Limits, caller: Caller, access: Access) -> JsonObject:
    return {"maxSizeShelfName": 100}


BAKERY = Capability(URI, types=[shelf, order, cake, recipe], per_account=_per_account)


@BAKERY.reads("Order/bill", orderId=Parameter(Ref("Order"), required=True))
def bill(call: Calling, txn: Txn, arguments: JsonObject) -> JsonObject:
    """Add up the prices of an order's cakes."""
    id = order.local(arguments["orderId"])
    orders = {} if id is None else txn.values(order, [id])
    if id not in orders:
        raise MethodError("invalidArguments", "there is no such order")
    ids = [cake.local(wire) for wire in orders[id]["cakeIds"]]
    cakes = txn.values(cake, [id for id in ids if id is not None], ["price"])
    total = sum(values["price"] or 0 for values in cakes.values())
    return {"accountId": arguments["accountId"], "orderId": arguments["orderId"], "total": total}
