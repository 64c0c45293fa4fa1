"""Rooms at Zoom, by a server-to-server OAuth app of the club's account (docs/zoom.md says what to create there).

The formats are those of Zoom's own types in the npm package @zoom/rivet (meetings/meetings.d.ts) and of
https://developers.zoom.us/docs/api/meetings/ and /docs/api/meetings/events/. Three facts shape this file: a user of Zoom
may have 100 meetings made or changed a day; Zoom mails registrants unless told not to, each time; and only the
registrant's id and a signed-in account's stay over leaving and coming back.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from portal import clock
from portal.config import Settings
from portal.rooms.platform import (
    HostAddress,
    Participant,
    Person,
    Plan,
    ProviderError,
    Recording,
    Registrant,
    Report,
    Room,
    RoomEvent,
    RoomGoneError,
    Sighting,
)
from portal.rooms.zoom_client import (
    Body,
    DailyLimitError,
    MissingScopeError,
    NotInPlanError,
    RequestRefusedError,
    ZoomClient,
    segment,
)

SCHEDULED = 2  # a meeting with a start
AT_ONCE, NO_REGISTRATION = 0, 2  # approval_type
MOST_REGISTRANTS = 30  # of one request
HOST_ADDRESS_LASTS = timedelta(minutes=90)  # Zoom's own two hours, less what a host may take to come
TOPIC, NAME, ADDRESS = 200, 64, 128  # characters Zoom takes

QUIET = {"registrants_confirmation_email": False, "registrants_email_notification": False}
SETTINGS: Body = {
    **QUIET,
    "approval_type": AT_ONCE,
    "waiting_room": True,
    "join_before_host": False,
    "meeting_authentication": False,
    "auto_recording": "none",
    "use_pmi": False,
}

KINDS = {
    "meeting.started": "started",
    "meeting.ended": "ended",
    "meeting.deleted": "deleted",
    "meeting.participant_joined": "joined",
    "meeting.participant_left": "left",
    "recording.completed": "recorded",
}
"""Zoom's events that mean something here; people in the waiting room are not in yet."""

OF_PARTICIPANT = frozenset(
    [
        "id",
        "participant_user_id",
        "registrant_id",
        "participant_uuid",
        "user_id",
        "user_name",
        "email",
        "join_time",
        "leave_time",
    ]
)

SCOPES = {
    "meeting:write": (
        "meeting:write:meeting",
        "meeting:update:meeting",
        "meeting:delete:meeting",
        "meeting:write:registrant",
        "meeting:write:batch_registrants",
        "meeting:update:registrant_status",
    ),
    "meeting:read": ("meeting:read:meeting", "meeting:read:list_meetings", "meeting:read:list_past_instances"),
    "report:read": ("report:read:list_meeting_participants",),
    "recording:read": ("cloud_recording:read:list_recording_files",),
}
"""What the app must be allowed, by the classic scope and by the granular ones that came in its place."""


class Zoom:
    """Zoom as a platform. One for a process, since Zoom keeps few tokens of an app alive."""

    name = "zoom"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client = ZoomClient(settings.zoom_account, settings.zoom_client, settings.zoom_secret, settings.zoom_url)

    def missing(self) -> list[str]:
        """What keeps rooms at Zoom from working, a sentence each: credentials, scopes, hosts, the webhook's secret."""
        found = []
        try:
            found += _lacking(self._client.scopes())
            for host in self._settings.zoom_hosts:
                self._client.ask("GET", f"/users/{segment(host)}/meetings", params={"type": "upcoming", "page_size": 1})
        except MissingScopeError:
            pass  # named already, with all the others
        except ProviderError as problem:
            found.append(problem.sentence)
        if not self._settings.zoom_webhook_secret:
            found.append(
                "ZOOM_WEBHOOK_SECRET is not set: who is in the room is not seen live, only in Zoom's report afterwards."
            )
        return found

    def create(self, plan: Plan) -> Room:
        """Make the meeting; one that was made for this plan before, by a try nobody heard the end of, is taken."""
        host = self._host(plan)
        made = self._made_before(host, plan)
        if made is not None:
            return self._brought_to(made, plan)
        body = {**_facts(plan), "type": SCHEDULED, "agenda": _mark(plan), "settings": SETTINGS}
        try:
            return _room(self._client.ask("POST", f"/users/{segment(host)}/meetings", body=body))
        except NotInPlanError:
            body["settings"] = SETTINGS | {"approval_type": NO_REGISTRATION}
            return _room(self._client.ask("POST", f"/users/{segment(host)}/meetings", body=body))

    def change(self, provider_id: str, plan: Plan) -> Room:
        """Bring the meeting to the plan; one that is as planned costs none of the day's hundred changes."""
        return self._brought_to(self._meeting(provider_id), plan)

    def remove(self, provider_id: str) -> None:
        """Delete the meeting. Zoom mails nobody about it."""
        quiet = {"schedule_for_reminder": "false", "cancel_meeting_reminder": "false"}
        with suppress(RoomGoneError):
            self._client.ask("DELETE", f"/meetings/{segment(provider_id)}", params=quiet)

    def host_address(self, provider_id: str) -> HostAddress:
        """The host's own way in, which opens the meeting for everybody; Zoom takes it for two hours."""
        return HostAddress(str(self._meeting(provider_id)["start_url"]), clock.now() + HOST_ADDRESS_LASTS)

    def register(self, provider_id: str, people: Sequence[Person]) -> list[Registrant] | None:
        """Personal addresses, for whom Zoom gives one: not for its own host. None in a plan without registration."""
        found: list[Registrant] = []
        able = [person for person in people if len(person.email) <= ADDRESS]
        try:
            for first in range(0, len(able), MOST_REGISTRANTS):
                some = able[first : first + MOST_REGISTRANTS]
                try:
                    found += self._register_together(provider_id, some)
                except (NotInPlanError, MissingScopeError):
                    raise
                except (RequestRefusedError, DailyLimitError) as refused:  # one of them; Zoom does not say who
                    registered = list(self._register_each(provider_id, some))
                    if not registered and isinstance(refused, DailyLimitError):
                        raise
                    found += registered
        except NotInPlanError:
            return None
        return found

    def revoke(self, provider_id: str, registrant_id: str) -> None:
        """Cancel a registration: its address no longer opens the room; who is inside stays until they leave."""
        body = {"action": "cancel", "registrants": [{"id": registrant_id}]}
        with suppress(RoomGoneError):
            self._client.ask("PUT", f"/meetings/{segment(provider_id)}/registrants/status", body=body)

    def inside(self, provider_id: str) -> None:  # noqa: ARG002 - Zoom tells by events
        """None: Zoom tells who is inside by its events."""
        return

    def report(self, provider_id: str) -> Report:
        """Who was inside, over every time the meeting was opened. Zoom has it some minutes after the end."""
        try:
            past = self._client.ask("GET", f"/past_meetings/{segment(provider_id)}/instances")
            instances = past.get("meetings") or []
            host = self._host_account(provider_id) if instances else ""
            stays = [stay for each in instances for stay in self._stays(str(each["uuid"]), host)]
        except RoomGoneError:  # to Zoom, a meeting that nobody has opened is none that was
            instances, stays = [], []
        left = [stay.left_at for stay in stays]
        return Report(
            stays,
            is_whole=bool(stays) and None not in left,
            started_at=min(filter(None, (_moment(each.get("start_time")) for each in instances)), default=None),
            ended_at=max(filter(None, left), default=None),
        )

    def recordings(self, provider_id: str) -> list[Recording]:
        """What Zoom recorded in its cloud, as one page where Zoom has one."""
        try:
            found = self._client.ask("GET", f"/meetings/{segment(provider_id)}/recordings")
        except RoomGoneError:
            return []
        if found.get("share_url"):
            return [Recording(str(found["uuid"]), "recording", str(found["share_url"]))]
        files = found.get("recording_files") or []
        return [
            Recording(str(file["id"]), str(file.get("recording_type", "recording")), str(file["play_url"]))
            for file in files
            if file.get("play_url")
        ]

    @staticmethod
    def event(body: Body) -> RoomEvent:
        """What a signed message says. Raises LookupError, TypeError or ValueError for what is none of Zoom's.

        `event_id` is the same for a message that comes again. What was recorded is not in it: `recordings` has that.
        """
        about = body["payload"]["object"]
        kind = KINDS.get(body["event"], "other")
        who = about["participant"] if kind in ("joined", "left") else {}
        provider_id, instance, at = str(about["id"]), str(about["uuid"]), int(body["event_ts"])
        identity = (body["event"], at, provider_id, instance, who.get("participant_uuid"), who.get("user_id"))
        occurred = datetime.fromtimestamp(at / 1000, UTC)
        return RoomEvent(
            event_id=hashlib.sha256(repr(identity).encode()).hexdigest(),
            kind=kind,
            provider_id=provider_id,
            occurred_at=occurred,
            sighting=_sighting_of_event(kind, who, instance, str(about.get("host_id") or ""), occurred)
            if who
            else None,
        )

    @staticmethod
    def kept(body: Body) -> Body:
        """Of a message what `event` reads, to be kept: no addresses of recordings, no phone numbers, no titles."""
        about = body["payload"]["object"]
        of = {name: about[name] for name in ("id", "uuid", "host_id") if name in about}
        if body["event"] in ("meeting.participant_joined", "meeting.participant_left"):
            of["participant"] = {name: value for name, value in about["participant"].items() if name in OF_PARTICIPANT}
        return {"event": body["event"], "event_ts": body["event_ts"], "payload": {"object": of}}

    def _host(self, plan: Plan) -> str:
        """Whose meeting it is: the same for every try, and spread over all so that the day's hundred lasts."""
        hosts = self._settings.zoom_hosts or ("me",)
        return hosts[int.from_bytes(hashlib.sha256(plan.meeting_id.bytes).digest()[:8]) % len(hosts)]

    def _made_before(self, host: str, plan: Plan) -> Body | None:
        rows = self._client.rows(f"/users/{segment(host)}/meetings", "meetings", type="upcoming")
        return next((row for row in rows if str(row.get("agenda", "")).startswith(_mark(plan))), None)

    def _brought_to(self, meeting: Body, plan: Plan) -> Room:
        wanted = _facts(plan)
        if any(meeting.get(name) != value for name, value in wanted.items()):
            body = {**wanted, "settings": QUIET}
            self._client.ask("PATCH", f"/meetings/{segment(str(meeting['id']))}", body=body)
        return _room(meeting)

    def _meeting(self, provider_id: str) -> Body:
        return self._client.ask("GET", f"/meetings/{segment(provider_id)}")

    def _register_together(self, provider_id: str, people: Sequence[Person]) -> Iterator[Registrant]:
        body = {
            "auto_approve": True,
            "registrants_confirmation_email": False,
            "registrants": [_registration(person) for person in people],
        }
        answer = self._client.ask("POST", f"/meetings/{segment(provider_id)}/batch_registrants", body=body)
        of_address = {person.email.lower(): person for person in people}
        for row in answer.get("registrants") or ():
            person = of_address.get(str(row.get("email", "")).lower())
            if person and row.get("join_url"):
                yield Registrant(person.user_id, str(row["registrant_id"]), str(row["join_url"]))

    def _register_each(self, provider_id: str, people: Sequence[Person]) -> Iterator[Registrant]:
        """One by one; whom Zoom refuses goes in by everybody's address. The meeting itself is set to mail nobody."""
        for person in people:
            body = {**_registration(person), "auto_approve": True}
            try:
                row = self._client.ask("POST", f"/meetings/{segment(provider_id)}/registrants", body=body)
            except (NotInPlanError, MissingScopeError):
                raise
            except (RequestRefusedError, DailyLimitError):
                continue
            yield Registrant(person.user_id, str(row["registrant_id"]), str(row["join_url"]))

    def _host_account(self, provider_id: str) -> str:
        """The account of the Zoom user whose meeting it is; empty when the meeting is there no more."""
        with suppress(RoomGoneError):
            return str(self._meeting(provider_id).get("host_id") or "")
        return ""

    def _stays(self, instance: str, host: str) -> list[Sighting]:
        try:
            rows = list(
                self._client.rows(
                    f"/report/meetings/{segment(instance)}/participants", "participants", include_fields="registrant_id"
                )
            )
        except (NotInPlanError, MissingScopeError):
            rows = list(self._client.rows(f"/past_meetings/{segment(instance)}/participants", "participants"))
        return [_sighting_of_row(row, instance, host) for row in rows if row.get("status") != "in_waiting_room"]


def _facts(plan: Plan) -> Body:
    """What Zoom is told of a meeting. Its start is in UTC; the zone is the one its host reads it in there."""
    return {
        "topic": plan.title[:TOPIC],
        "start_time": f"{plan.starts_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "duration": plan.minutes,
        "timezone": plan.timezone,
    }


def _mark(plan: Plan) -> str:
    """Tells a meeting of ours by its agenda; at its beginning, since a list shows no more than 250 characters of it."""
    return f"goalete:{plan.meeting_id}"


def _room(meeting: Body) -> Room:
    return Room(str(meeting["id"]), str(meeting["join_url"]))


def _registration(person: Person) -> Body:
    names = {"first_name": person.first_name[:NAME], "last_name": person.last_name[:NAME]}
    return {"email": person.email} | {name: value for name, value in names.items() if value}


def _participant(row: Body, name: str, email: str, instance: str, host: str) -> Participant:
    """Who it is. `host` is the account whose meeting it is: a licensed user whom several hosts of the club may share, so
    whoever comes in by it is the meeting's host here, and the account is nobody's.

    An address counts only with a signed-in account that did not register: any may be typed on a registration page, and whom
    we registered ourselves is known without.
    """
    registrant = str(row.get("registrant_id") or "") or None
    account = str(row.get("participant_user_id") or row.get("id") or "") or None
    if account and account == host and not registrant:
        return Participant("host", name, is_host=True)
    if registrant:
        identity = f"registrant:{registrant}"
    elif account:
        identity = f"account:{account}"
    else:  # nobody known, and another one after leaving: report and events have this number alone in common
        identity = f"visit:{instance}:{row.get('user_id') or row.get('participant_uuid')}"
    return Participant(identity, name, registrant, account, (email or None) if account and not registrant else None)


def _sighting_of_event(kind: str, who: Body, instance: str, host: str, occurred: datetime) -> Sighting:
    participant = _participant(who, str(who.get("user_name") or ""), str(who.get("email") or ""), instance, host)
    session = str(who.get("participant_uuid") or f"{instance}:{who.get('user_id')}")
    joined = _moment(who.get("join_time")) or occurred if kind == "joined" else None
    left = _moment(who.get("leave_time")) or occurred if kind == "left" else None
    return Sighting(participant, session, joined, left)


def _sighting_of_row(row: Body, instance: str, host: str) -> Sighting:
    participant = _participant(row, str(row.get("name") or ""), str(row.get("user_email") or ""), instance, host)
    joined, left = _moment(row.get("join_time")), _moment(row.get("leave_time"))
    if joined and left and left < joined:  # Zoom's reports have stays that end before they begin
        left = joined
    return Sighting(participant, f"{instance}:{row.get('user_id')}:{row.get('join_time')}", joined, left)


def _moment(value: Any) -> datetime | None:
    return datetime.fromisoformat(value).astimezone(UTC) if value else None


def _lacking(granted: frozenset[str]) -> list[str]:
    """The scopes the app lacks, as one sentence, or none; `:admin` ones are those of server-to-server apps."""
    known = {scope.removesuffix(":admin") for scope in granted}
    lacking = [name for classic, names in SCOPES.items() if classic not in known for name in names if name not in known]
    if not lacking:
        return []
    return [
        f"The app at Zoom lacks these scopes: {', '.join(lacking)}. Add them under Scopes in the Zoom App Marketplace "
        "and activate the app again."
    ]
