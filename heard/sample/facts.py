"""What is so at Quince & Daughters, against which a reply is held: as its scenes tell it."""

from __future__ import annotations

from dataclasses import dataclass

from heard.sample.company import PLACES


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact with other words for its subject; `place` is as `company` calls it, "" is all."""

    subject: str
    value: str
    words: str = ""
    place: str = ""


FACTS = (
    *(
        Fact("Address", f"{it.street}, {it.town}", "where we are, how to find us", it.key)
        for it in PLACES
    ),
    Fact("Vouchers", "£10 to £200, 24 months, in all three places", "voucher, gift voucher"),
    Fact("Set lunch", "£19 for two courses, Tuesday to Friday", "lunch menu", "table"),
    Fact("Front room", "seats 32, from £28 a head for two courses", "private room", "table"),
    Fact("Corkage", "£12 a bottle", "own wine, own bottle", "table"),
    Fact("Service", "12.5 %, optional, all of it for the staff", "service charge, tip", "table"),
    Fact(
        "Harbour car park",
        "£1.20 an hour, free after six except on Sundays",
        "parking, car park",
        "table",
    ),
    Fact("Picnic", "£14 a head, ordered by noon the day before", "picnics", "table"),
    Fact("Cakes", "£32 to £48, three days' notice", "birthday cake, cake", "rising"),
    Fact(
        "Bread class",
        "£65 with lunch and two loaves, the third Sunday of the month",
        "baking class",
        "rising",
    ),
    Fact("Own cup", "40p off", "own mug", "rising"),
    Fact(
        "Delivery",
        "£4.95, free above £45, on Wednesdays and Fridays",
        "delivery cost, postage, shipping",
        "cork",
    ),
    Fact("Returns", "60 days with the receipt", "return, bring back", "cork"),
    Fact("Wine tasting", "£25 on Thursdays at seven", "tasting", "cork"),
    Fact("Private tasting", "£30 a head with cheese, 8 to 16 people", "", "cork"),
)
