"""Order: the cakes of one name, which the server puts together."""

from __future__ import annotations

from posthouse.model.kind import ListOf, Ref
from posthouse.model.property import Property
from posthouse.model.type import Type

order = Type(
    "Order", letter="o", methods="get changes", properties=[Property("cakeIds", ListOf(Ref("Cake")))]
)
