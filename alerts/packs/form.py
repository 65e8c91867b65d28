"""How a pack is written down, and the check that names every fault of it at once."""

from __future__ import annotations

import hashlib
import json
from datetime import date, datetime
from typing import Any

from alerts.answer import QUESTIONS
from alerts.errors import PolicyError
from alerts.flag import CONCERNS
from alerts.format import FORMATS
from alerts.packs.reading import Reader, Table
from alerts.policy import Conflict, Gap, House, Pack, Row, Rule, When
from alerts.record import RECORDS
from alerts.row import WORKING_DAYS
from alerts.school import HEAD_ROLES, ROLES
from classifiers.verdict import LABELS

HEAD_KEYS = (
    "extends",
    "name",
    "title",
    "version",
    "review",
    "document",
    "head",
    "trust",
    "unsure",
    "review_on",
    "review_told",
)
TABLE_KEYS = ("speeds", "groups", "fallback", "rules", "routes", "conflicts", "gaps")
WHEN_KEYS = ("about", "target", "author")
CONFLICT_KEYS = (
    "id",
    "about",
    "recipients",
    "alternates",
    "clause",
    "quotation",
    "within",
    "always",
    "text",
    "instructions",
    "record",
    "approver",
    "trust",
)
GAP_KEYS = ("id", "concerns", "about", "text")
ROUTE_KEYS = (
    "id",
    "concerns",
    "recipients",
    "alternates",
    "clause",
    "fallback",
    "quotation",
    "within",
    "within_minutes",
    "when",
    "exceptions",
    "instructions",
    "ordinary",
    "ours",
    "digest",
    "record",
    "approver",
)
RULE_KEYS = (
    "id",
    "concern",
    "labels",
    "official",
    "alleged",
    "target",
    "author",
    "answers",
    "image",
    "formats",
    "raise_at",
    "review_at",
)
UNSURE = ("conflict", "ordinary")


class Form(Reader):
    """The layers of one pack, nearest first, on their way to a :class:`Pack`; faults are collected, not raised."""

    def __init__(self, name: str, layers: list[dict[str, Any]]) -> None:
        super().__init__(name, layers)
        self.head = self._merged_head()
        self.groups = self._lists("groups", known=(*ROLES, "none"))
        self.speeds = self._speeds()

    def pack(self) -> Pack:
        """The pack.

        Raises:
            PolicyError: there are problems; all of them are named with pack, rule and key.
        """
        for layer in self.layers:
            self._keys("", layer, (*HEAD_KEYS, *TABLE_KEYS))
        house, rules, rows, conflicts = self._house(), self._rules(), self._rows(), self._conflicts()
        self._gaps()
        self._complete(rows)
        if self.problems:
            raise PolicyError(self.name, tuple(dict.fromkeys(self.problems)))
        return Pack(
            name=str(self.head["name"]),
            title=str(self.head["title"]),
            version=str(self.head["version"]),
            review=str(self.head.get("review", "")),
            document=str(self.head["document"]),
            head=str(self.head.get("head", "headteacher")),
            unsure=self.head.get("unsure", "conflict") == "conflict",
            rules=rules,
            rows=rows,
            conflicts=conflicts,
            house=house,
            gaps=self._gaps(),
            review_on=self.head.get("review_on"),
            review_told=tuple(self.head.get("review_told", ("headteacher",))),
            digest=self._digest(),
        )

    def _digest(self) -> str:
        """Of all that the pack rests on, comments and order of keys aside."""
        said = json.dumps(self.layers, sort_keys=True, default=str, ensure_ascii=True)
        return hashlib.sha256(said.encode("ascii")).hexdigest()

    def _merged_head(self) -> dict[str, Any]:
        head = {key: layer[key] for layer in reversed(self.layers) for key in HEAD_KEYS if key in layer}
        own = self.layers[0]
        head["name"] = own.get("name", self.name)
        for key in ("name", "title", "version", "document"):
            if not isinstance(head.get(key), str):
                self._fault("", f'{key} must be a text, such as {key} = "…"')
        if not str(head.get("version", "")).replace(".", "", 1).isdigit():
            self._fault("", 'version must be a number in quotes: whole ("2.0") when approved, else a draft ("1.1")')
        if head.get("head", "headteacher") not in HEAD_ROLES:
            self._fault("", f"head must be one of {', '.join(HEAD_ROLES)}")
        if head.get("unsure", "conflict") not in UNSURE:
            self._fault("", f"unsure must be one of {', '.join(UNSURE)}")
        day = head.get("review_on")
        if day is not None and (not isinstance(day, date) or isinstance(day, datetime)):
            self._fault("", "review_on must be a day without quotes, such as review_on = 2027-03-31")
        if "review_told" in head:
            self.groups = {}
            self._told("", head, "review_told")
        if not isinstance(head.get("trust", False), bool):
            self._fault("", "trust must be true or false")
        return head

    def _speeds(self) -> dict[str, int]:
        """Minutes by the policy's own word; a working day has a rough number of them, and its name in ``days``."""
        self.days: dict[str, str] = {}
        speeds: dict[str, int] = {}
        for word, said in self._merged("speeds").items():
            if isinstance(said, str) and said in WORKING_DAYS:
                self.days[word], speeds[word] = said, WORKING_DAYS[said]
            elif isinstance(said, int) and not isinstance(said, bool) and said >= 1:
                speeds[word] = said
            else:
                days = " or ".join(f'"{day}"' for day in WORKING_DAYS)
                self._fault("speeds", f"{word!r} must be a whole number of minutes, at least 1, or {days}")
        return speeds

    def _house(self) -> House:
        table = self._merged("fallback")
        self._keys("fallback", table, ("keep", "chain", "lawful"))
        return House(
            speeds=self.speeds,
            days=self.days,
            groups=self.groups,
            keep=self._names("fallback", table, "keep", "concern", CONCERNS),
            chain=self._told("fallback", table, "chain"),
            lawful=self._names("fallback", table, "lawful", "concern", CONCERNS),
        )

    def _rules(self) -> tuple[Rule, ...]:
        return tuple(rule for where, table in self._tables("rules") if (rule := self._rule(where, table)) is not None)

    def _rule(self, where: str, table: Table) -> Rule | None:
        self._keys(where, table, RULE_KEYS)
        name, concern = self._text(where, table, "id", needed=True), self._text(where, table, "concern", needed=True)
        if concern is not None and concern not in CONCERNS:
            self._fault(where, f"concern: concern {concern!r} is unknown; known are {', '.join(CONCERNS)}")
        labels = self._names(where, table, "labels", "label", LABELS)
        answers = table.get("answers", {})
        if not isinstance(answers, dict) or not all(isinstance(v, str) for v in answers.values()):
            self._fault(where, 'answers must be a table such as { child_at_risk = "yes" }')
            answers = {}
        self._keys(f"{where} answers", answers, QUESTIONS)
        formats = self._names(where, table, "formats", "form of words", FORMATS)
        if not labels and not answers and not formats:
            self._fault(where, "labels or answers must say what the rule looks at, or formats")
        return Rule(
            id=name or "",
            concern=concern or "",
            labels=labels,
            official=self._flag(where, table, "official"),
            alleged=self._flag(where, table, "alleged"),
            target=self._names(where, table, "target", "role", ROLES),
            author=self._names(where, table, "author", "role", (*ROLES, "none")),
            answers=answers,
            image=self._flag(where, table, "image"),
            formats=formats,
            raise_at=self._number(where, table, "raise_at", 0, 1),
            review_at=self._number(where, table, "review_at", 0, 1),
        )

    def _rows(self) -> tuple[Row, ...]:
        return tuple(self._row(where, table) for where, table in self._tables("routes"))

    def _row(self, where: str, table: Table) -> Row:
        self._keys(where, table, ROUTE_KEYS)
        clause, fallback = self._text(where, table, "clause"), self._flag(where, table, "fallback")
        if clause is None and not fallback:
            self._fault(where, "clause is missing; write it, or fallback = true where the policy is silent")
        if clause is not None and fallback:
            self._fault(where, "fallback = true says that the policy is silent, so there can be no clause")
        recipients, digest = self._told(where, table, "recipients"), bool(self._flag(where, table, "digest"))
        if not recipients and not digest:
            self._fault(where, "recipients is empty; name at least one role, or write digest = true")
        minutes = self._number(where, table, "within_minutes", 1, 60 * 24 * 31)
        concerns = self._names(where, table, "concerns", "concern", CONCERNS)
        if not concerns:
            self._fault(where, "concerns is empty; name at least one")
        return Row(
            id=self._text(where, table, "id", needed=True) or "",
            concerns=concerns,
            recipients=recipients,
            alternates=self._told(where, table, "alternates"),
            clause=clause,
            quotation=self._text(where, table, "quotation"),
            within=self._within(where, table),
            within_minutes=None if minutes is None else int(minutes),
            when=self._when(where, table),
            exceptions=self._exceptions(where, table),
            instructions=self._strings(where, table, "instructions"),
            ordinary=self._strings(where, table, "ordinary"),
            ours=self._ours(where, table, recipients),
            digest=digest,
            record=self._record(where, table),
            approver=self._told(where, table, "approver"),
        )

    def _record(self, where: str, table: Table) -> tuple[str, ...]:
        return self._names(where, table, "record", "record", tuple(RECORDS))

    def _gaps(self) -> tuple[Gap, ...]:
        return tuple(self._gap(where, table) for where, table in self._tables("gaps"))

    def _gap(self, where: str, table: Table) -> Gap:
        self._keys(where, table, GAP_KEYS)
        concerns = self._names(where, table, "concerns", "concern", CONCERNS)
        own = str(self.head.get("head", "headteacher"))
        about = tuple(own if r in HEAD_ROLES else r for r in self._names(where, table, "about", "role", ROLES))
        if not concerns and not about:
            self._fault(where, "concerns or about must say where the policy is silent")
        return Gap(
            id=self._text(where, table, "id", needed=True) or "",
            text=self._text(where, table, "text", needed=True) or "",
            concerns=concerns,
            about=about,
        )

    def _ours(self, where: str, table: Table, recipients: tuple[str, ...]) -> tuple[str, ...]:
        ours = self._names(where, table, "ours", "role", ROLES)
        for role in ours:
            if role not in recipients:
                self._fault(where, f"ours: {role!r} is not one of the recipients")
        return ours

    def _within(self, where: str, table: Table) -> str | None:
        within = self._text(where, table, "within")
        if within is not None and within not in self.speeds:
            self._fault(where, f"within: {within!r} has no minutes; known are {', '.join(self.speeds)}")
        return within

    def _when(self, where: str, table: Table) -> When:
        when = table.get("when", {})
        if not isinstance(when, dict):
            self._fault(where, 'when must be a table such as { target = ["pupil"] }')
            return When()
        self._keys(f"{where} when", when, WHEN_KEYS)
        about, target, author = (self._names(f"{where} when", when, key, "role", (*ROLES, "none")) for key in WHEN_KEYS)
        return When(about=about, target=target, author=author)

    def _exceptions(self, where: str, table: Table) -> tuple[Conflict, ...]:
        exceptions = table.get("exceptions", [])
        if not isinstance(exceptions, list):
            self._fault(where, "exceptions must be written as [[routes.exceptions]]")
            return ()
        return tuple(self._conflict(f"{where} exceptions {n}", e) for n, e in enumerate(exceptions, 1))

    def _conflicts(self) -> tuple[Conflict, ...]:
        trust = self.head.get("trust", False)
        return tuple(
            self._conflict(where, table)
            for where, table in self._tables("conflicts")
            if self._flag(where, table, "trust") in (None, trust)
        )

    def _conflict(self, where: str, table: Table) -> Conflict:
        self._keys(where, table, CONFLICT_KEYS)
        about, recipients = self._names(where, table, "about", "role", ROLES), self._told(where, table, "recipients")
        if not about or not recipients:
            self._fault(where, "about and recipients must each name at least one role")
        for role in recipients:
            if role in about:
                self._fault(where, f"recipients: {role!r} is the accused and can never be told")
        return Conflict(
            about=about,
            recipients=recipients,
            alternates=self._told(where, table, "alternates"),
            clause=self._text(where, table, "clause"),
            within=self._within(where, table),
            always=bool(self._flag(where, table, "always")),
            text=self._text(where, table, "text", needed=True) or "",
            instructions=self._strings(where, table, "instructions"),
            quotation=self._text(where, table, "quotation"),
            approver=self._told(where, table, "approver"),
            record=self._record(where, table),
        )

    def _complete(self, rows: tuple[Row, ...]) -> None:
        """Every concern must have a row that asks for nothing."""
        for concern in CONCERNS:
            if not any(concern in row.concerns and not row.when.asks for row in rows):
                self._fault("routes", f"concern {concern!r} has no route that holds for everybody")
