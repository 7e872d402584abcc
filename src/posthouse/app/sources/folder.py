"""Names of mailboxes: modified UTF-7 (RFC 3501 §5.1.3), valid JMAP names and roles by custom."""

from __future__ import annotations

import binascii
import re
import unicodedata

from posthouse.app.sources.item import Path

INBOX: Path = ("Inbox",)

_LONGEST_NAME = 255  # octets: what a new account lets a mailbox be called
_SHIFTED = re.compile(r"&([A-Za-z0-9+,]*)-")
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]+")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]+")

_ROLES = {
    "inbox": "inbox|posteingang|boîte de réception|bandeja de entrada|posta in arrivo"
    "|caixa de entrada|odebrane|postvak in|inkorg|indbakke|входящие|受信トレイ|收件箱"
    "|받은편지함",
    "drafts": "drafts|draft|entwürfe|brouillons|borradores|bozze|rascunhos|kopie robocze"
    "|wersje robocze|concepten|utkast|kladder|черновики|下書き|草稿|草稿箱|임시보관함",
    "sent": "sent|sent mail|sent-mail|sent items|sent messages|gesendet|gesendete objekte"
    "|gesendete elemente|envoyés|messages envoyés|éléments envoyés|enviados"
    "|elementos enviados|posta inviata|inviata|itens enviados|wysłane|elementy wysłane"
    "|verzonden|verzonden items|skickat|sendt|отправленные|送信済み|送信済みアイテム"
    "|已发送|已发送邮件|보낸편지함",
    "trash": "trash|bin|deleted|deleted items|deleted messages|papierkorb|gelöscht"
    "|gelöschte elemente|corbeille|éléments supprimés|papelera|elementos eliminados"
    "|cestino|lixeira|kosz|elementy usunięte|prullenbak|verwijderde items|papperskorg"
    "|papirkurv|корзина|удаленные|ゴミ箱|垃圾箱|已删除邮件|휴지통",
    "junk": "junk|spam|junk mail|junk e-mail|junk email|bulk mail|spamverdacht|unerwünscht"
    "|junk-e-mail|pourriel|indésirables|courrier indésirable|correo no deseado"
    "|posta indesiderata|lixo eletrônico|wiadomości-śmieci|ongewenste e-mail|skräppost"
    "|спам|нежелательная почта|迷惑メール|垃圾邮件|스팸함",
    "archive": "archive|archives|archived|all mail|archiv|alle nachrichten|tous les messages|archivo"
    "|archivio|arquivo|archiwum|archief|arkiv|архив|вся почта|アーカイブ|すべてのメール"
    "|归档|所有邮件|보관함|전체보관함",
}
_ROLE_BY_NAME = {name: role for role, names in _ROLES.items() for name in names.split("|")}
_ROOTS = {"[gmail]", "[google mail]", "inbox"}


def role_of(path: Path) -> str | None:
    """Return the role (RFC 8621 §2) that a mailbox of this name has by custom, or None.

    Only mailboxes at the top, or directly below ``[Gmail]`` or ``INBOX``, have one.
    """
    names = tuple(name.strip().casefold() for name in path)
    if len(names) == 2 and names[0] in _ROOTS:
        names = names[1:]
    return _ROLE_BY_NAME.get(names[0]) if len(names) == 1 else None


def is_name(text: str) -> bool:
    """Tell whether a text can be a mailbox name as it is: 1 to 255 octets, no control characters."""
    return _CONTROL.search(text) is None and 0 < len(text.encode()) <= _LONGEST_NAME


def clean_name(name: str) -> str:
    """Make any text a valid mailbox name: NFC, no control characters, 1 to 255 octets (RFC 8621 §2)."""
    text = unicodedata.normalize("NFC", _CONTROL.sub(" ", name)).strip()
    if len(text) * 4 > _LONGEST_NAME:
        text = text.encode()[:_LONGEST_NAME].decode(errors="ignore").strip()
    return text or "Unnamed"


def encode_utf7(name: str) -> str:
    """Write a name in modified UTF-7, also its dots and slashes, which separate levels on disk."""
    escaped = name.replace("&", "&-")
    for separator in "./":
        escaped = escaped.replace(separator, _shift(separator))
    return _UNPRINTABLE.sub(lambda match: _shift(match[0]), escaped)


def decode_utf7(name: str) -> str:
    """Read modified UTF-7; a name that is none, such as ``R&D``, stays as it is."""
    if "&" not in name:
        return name
    try:
        text = _SHIFTED.sub(lambda match: _unshift(match[1]), name)
    except ValueError:
        return name
    return name if "&" in _SHIFTED.sub("", name) else text


def _shift(text: str) -> str:
    base64 = binascii.b2a_base64(text.encode("utf-16-be"), newline=False).decode("ascii")
    return f"&{base64.rstrip('=').replace('/', ',')}-"


def _unshift(base64: str) -> str:
    if not base64:
        return "&"
    padded = base64.replace(",", "/") + "=" * (-len(base64) % 4)
    return binascii.a2b_base64(padded).decode("utf-16-be")
