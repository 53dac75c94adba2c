"""XMP packets: stars, label and keywords, read and written. Everything else in a packet stays as it is.

Stars that PAV predicted are marked, and reading them gives nothing: a prediction is not a rating.
"""

import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
XMP = "http://ns.adobe.com/xap/1.0/"
META = "adobe:ns:meta/"
DC = "http://purl.org/dc/elements/1.1/"
EXIF = "http://ns.adobe.com/exif/1.0/"
PHOTOSHOP = "http://ns.adobe.com/photoshop/1.0/"
IPTC = "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/"
IPTC_EXT = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
PAV = "urn:pav:xmp:1.0/"
_PREFIXES = {
    "x": META,
    "rdf": RDF,
    "xmp": XMP,
    "dc": DC,
    "exif": EXIF,
    "photoshop": PHOTOSHOP,
    "Iptc4xmpCore": IPTC,
    "Iptc4xmpExt": IPTC_EXT,
    "pav": PAV,
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "aux": "http://ns.adobe.com/exif/1.0/aux/",
    "crs": "http://ns.adobe.com/camera-raw-settings/1.0/",
    "xmpMM": "http://ns.adobe.com/xap/1.0/mm/",
    "lr": "http://ns.adobe.com/lightroom/1.0/",
    "stEvt": "http://ns.adobe.com/xap/1.0/sType/ResourceEvent#",
}
for _prefix, _uri in _PREFIXES.items():
    ET.register_namespace(_prefix, _uri)

_PLACES = {f"{{{PHOTOSHOP}}}{name}" for name in ("City", "State", "Country")}
_PLACES |= {f"{{{IPTC}}}{name}" for name in ("Location", "CountryCode")}
_PLACES |= {f"{{{IPTC_EXT}}}{name}" for name in ("LocationCreated", "LocationShown")}
_PLACE_WORDS = ("gps", "latitude", "longitude")  # in names of any vendor, such as drone-dji:GpsLatitude
_HEAD, _TAIL = "<?xpacket begin='\ufeff' id='W5M0MpCehiHzreSzNTczkc9d'?>\n", "\n<?xpacket end='w'?>"

PREDICTED, RATED = "predicted", "rated"
FEWEST, MOST = -1, 5


@dataclass(frozen=True)
class Stars:
    """What is written to a photo's packet."""

    rating: int  # -1 (rejected) to 5
    source: str  # PREDICTED or RATED
    label: str = ""  # colour name; empty: the packet's own stays
    keywords: tuple[str, ...] = ()
    taken_at: str = ""  # ISO 8601, for packets that lack it


def stars_of(packet: bytes) -> int | None:
    """The stars that somebody gave, -1 to 5; None where there are none, the packet is damaged, or PAV predicted them.

    Stars that PAV predicted and somebody changed since count as given.
    """
    root = _parsed(packet)
    text = _value(root, f"{{{XMP}}}Rating") if root is not None else None
    rating = _whole(text)
    if root is None or rating is None:
        return None
    predicted = _value(root, f"{{{PAV}}}Source") == PREDICTED and _whole(_value(root, f"{{{PAV}}}Stars")) == rating
    return None if predicted else rating


def with_stars(packet: bytes | None, stars: Stars) -> bytes:
    """A packet with these stars; a damaged one is replaced."""
    root = _parsed(packet) if packet else None
    if root is None or root.find(f".//{{{RDF}}}RDF") is None:
        root = ET.Element(f"{{{META}}}xmpmeta")
        ET.SubElement(root, f"{{{RDF}}}RDF")
    rdf = root if root.tag == f"{{{RDF}}}RDF" else root.find(f".//{{{RDF}}}RDF")
    if rdf is None:  # made above
        raise ValueError("the packet has no RDF")
    subject = rdf.find(f"{{{RDF}}}Description")
    if subject is None:
        subject = ET.SubElement(rdf, f"{{{RDF}}}Description", {f"{{{RDF}}}about": ""})
    values = {f"{{{XMP}}}Rating": str(stars.rating), f"{{{PAV}}}Source": stars.source, f"{{{PAV}}}Stars": str(stars.rating)}
    if stars.label:
        values[f"{{{XMP}}}Label"] = stars.label
    if stars.taken_at and _value(root, f"{{{EXIF}}}DateTimeOriginal") is None:
        values[f"{{{EXIF}}}DateTimeOriginal"] = stars.taken_at
    _remove(root, values.__contains__)
    for name, value in values.items():
        subject.set(name, value)
    _add_keywords(root, subject, stars.keywords)
    return (_HEAD + ET.tostring(root, encoding="unicode") + _TAIL).encode()


def without_place(packet: bytes) -> bytes | None:
    """The packet without where the photo was taken; None where it is damaged, so nobody can tell."""
    root = _parsed(packet)
    if root is None:
        return None
    _remove(root, _tells_place)
    return (_HEAD + ET.tostring(root, encoding="unicode") + _TAIL).encode()


def _tells_place(name: str) -> bool:
    return name in _PLACES or any(word in name.rpartition("}")[2].lower() for word in _PLACE_WORDS)


def _parsed(packet: bytes) -> ET.Element | None:
    try:
        root: ET.Element = fromstring(packet.rstrip(b"\0 \n"), forbid_dtd=True)
    except (ET.ParseError, DefusedXmlException, ValueError, LookupError):
        return None
    return root


def _value(root: ET.Element, name: str) -> str | None:
    """A simple property, which may be an attribute or an element."""
    for node in root.iter():
        if name in node.attrib:
            return str(node.attrib[name])
        if node.tag == name:
            return (node.text or "").strip()
    return None


def _whole(text: str | None) -> int | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return int(number) if FEWEST <= number <= MOST and number == int(number) else None


def _remove(root: ET.Element, wanted: Callable[[str], bool]) -> None:
    for node in list(root.iter()):
        for name in [name for name in node.attrib if wanted(name)]:
            del node.attrib[name]
        for child in [child for child in node if isinstance(child.tag, str) and wanted(child.tag)]:
            node.remove(child)


def _add_keywords(root: ET.Element, subject: ET.Element, keywords: Iterable[str]) -> None:
    """Add keywords to those of the packet, in place of the ones that PAV wrote before."""
    holder = root.find(f".//{{{DC}}}subject")
    if holder is None:
        holder = ET.SubElement(subject, f"{{{DC}}}subject")
    bag = holder.find(f"{{{RDF}}}Bag")
    if bag is None:
        bag = ET.SubElement(holder, f"{{{RDF}}}Bag")
    wanted = list(keywords)
    for item in list(bag):
        if (item.text or "").startswith("PAV ") or item.text in wanted:
            bag.remove(item)
    for word in wanted:
        ET.SubElement(bag, f"{{{RDF}}}li").text = word
    if not len(bag):
        subject_of = next((node for node in root.iter() if holder in list(node)), None)
        if subject_of is not None:
            subject_of.remove(holder)
