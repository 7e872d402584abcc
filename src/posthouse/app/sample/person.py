"""The people who write in the sample mailbox; none of them exists, nor do their domains."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    """A name as shown, the address, and the charset that the person's old mail program writes in."""

    name: str
    address: str
    charset: str = "utf-8"


OWNER_NAME = "Robin Vale"
FRIEND_NAME = "Noor Haddad"

PEOPLE = {
    "aiko": Person("田中愛子", "aiko.tanaka@tanaka.example", "shift_jis"),
    "amara": Person("Amara Okafor", "amara.okafor@lagoon.example"),
    "chloe": Person("Chloé Lefèvre", "chloe.lefevre@atelier.example", "iso-8859-1"),
    "dana": Person("Dana Kealoha", "dana@kealoha.example"),
    "eleni": Person("Ελένη Παπαδοπούλου", "eleni@kyklades.example", "iso-8859-7"),
    "ines": Person("Inês Carvalho", "ines.carvalho@example.com"),
    "juergen": Person("Jürgen Müller", "j.mueller@waldweg.example", "iso-8859-1"),
    "liwei": Person("李伟", "li.wei@hutong.example", "gb2312"),
    "mateo": Person("Mateo Núñez", "mateo.nunez@example.com"),
    "mehmet": Person("Mehmet Yılmaz", "mehmet@galata.example"),  # noqa: RUF001
    "minjun": Person("김민준", "minjun.kim@hangang.example"),
    "mum": Person("Helen Vale", "helen.vale@example.net"),
    "olga": Person("Ольга Смирнова", "olga.smirnova@neva.example", "koi8-r"),
    "priya": Person("प्रिया शर्मा", "priya.sharma@ganga.example"),
    "sam": Person("Sam Whitfield", "sam.whitfield@example.com"),
    "somchai": Person("สมชาย ใจดี", "somchai@chiangmai.example"),
    "tamar": Person("תמר לוי", "tamar.levi@carmel.example"),
    "tomasz": Person("Tomasz Wójcik", "tomasz.wojcik@wisla.example", "iso-8859-2"),
    "yusuf": Person("يوسف الخطيب", "yusuf@barada.example"),
}
