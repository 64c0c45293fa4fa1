"""Rooms at Google Meet, made and read by a service account in the name of one user of a Workspace organisation.

A room is a Meet space of its own (Meet REST API v2, `spaces.create`), so that the portal needs rights over the conferences it
made itself and no others. Making a space cannot be repeated safely; inserting a Calendar event under an id of our choice can
(Calendar API v3, `events.insert` answers 409 for an id that was ever used). So the event, in the organizer's calendar and
without guests, is what says which space is this meeting's: a space whose event was not inserted stays unknown to everybody, and
empty. The event does not use `conferenceData`: `createRequest` makes a room that is not the app's own (it could be read only
with a right over all of the user's conferences, and not be closed), and Google documents no other way to attach a space.

Field names, methods and scopes are those of the discovery documents calendar.v3.json and meet.v2.json.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import requests
from google.auth.exceptions import GoogleAuthError, RefreshError, TransportError
from google.auth.transport.requests import AuthorizedSession, Request
from google.oauth2.service_account import Credentials

from portal.config import Settings
from portal.rooms.platform import (
    HostAddress,
    Participant,
    Person,
    Plan,
    ProviderError,
    Recording,
    Report,
    Room,
    RoomGoneError,
    Sighting,
)
from portal.sentences import listed, ngettext

CALENDAR_SCOPE = "https://www.googleapis.com/auth/calendar.events.owned"
MEET_SCOPE = "https://www.googleapis.com/auth/meetings.space.created"
SCOPES = (CALENDAR_SCOPE, MEET_SCOPE)

TIMEOUT = 15
"""Seconds Google has to connect, and again between bytes of its answer."""

BUSY = ("rateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED")
QUOTA_USED_UP = ("quotaExceeded", "dailyLimitExceeded")
NOT_ENABLED = ("accessNotConfigured", "SERVICE_DISABLED")
"""Reasons, as Calendar ("Handle API errors") and Meet (google.rpc.ErrorInfo) write them."""

PAUSE = timedelta(minutes=1)
LONG_PAUSE = timedelta(hours=1)

GENERATIONS = 100
"""How often a meeting's room may be made anew: the id of a deleted event is never free again."""

NOT_THERE = "Google has no calendar or no Meet for the organizer; both services must be switched on for that user."

Json = dict[str, Any]


class GoogleMeet:
    """The platform `google-meet`. `provider_id` is "EVENT/SPACE": the event's id and the space's, without `spaces/`."""

    name = "google-meet"

    def __init__(self, settings: Settings) -> None:
        self._key_file, self._organizer = settings.google_account, settings.google_organizer
        self._token_url = f"{settings.google_url or 'https://oauth2.googleapis.com'}/token"
        self._events = f"{settings.google_url or 'https://www.googleapis.com'}/calendar/v3/calendars/primary/events"
        self._meet = f"{settings.google_url or 'https://meet.googleapis.com'}/v2"
        self._open: AuthorizedSession | None = None

    # -- rooms ---------------------------------------------------------------------------------------------------------
    def create(self, plan: Plan) -> Room:
        """Make a space and the event that names it, or bring the one of an earlier try to the plan."""
        for generation in range(GENERATIONS):
            event_id = f"{plan.meeting_id.hex}{generation:02}"
            event = self._event(event_id) or self._insert(event_id, plan)
            try:
                return self._to_plan(event, plan)
            except RoomGoneError:
                continue
        raise ProviderError("The room of this meeting was deleted too often to be made again.", again=False)

    def _insert(self, event_id: str, plan: Plan) -> Json:
        config = {"accessType": "OPEN", "entryPointAccess": "ALL"}
        space = self._ask("POST", f"{self._meet}/spaces", json={"config": config})
        event = {
            "id": event_id,
            **_as_event(plan),
            "location": _text(space, "meetingUri"),
            "description": "Made by the club's portal; change it there.",
            "visibility": "private",
            "transparency": "transparent",
            "guestsCanInviteOthers": False,
            "guestsCanSeeOtherGuests": False,
            "reminders": {"useDefault": False},
            "extendedProperties": {"private": {"goalete": str(plan.meeting_id), "space": _text(space, "name")}},
        }
        try:
            return self._ask("POST", self._events, json=event)
        except _ConflictError:  # another try, whose answer was lost or which ran beside this one, was first
            first = self._event(event_id)
            if first is None:
                raise
            return first

    def change(self, provider_id: str, plan: Plan) -> Room:
        """Bring time and title to the plan. The address stays."""
        event = self._event(_parts(provider_id)[0])
        if event is None:
            raise RoomGoneError
        return self._to_plan(event, plan)

    def _to_plan(self, event: Json, plan: Plan) -> Room:
        event_id, named = _text(event, "id"), event.get("extendedProperties", {}).get("private", {})
        if event.get("status") == "cancelled" or "space" not in named:
            raise RoomGoneError
        if not _is_as_planned(event, plan):
            self._ask("PATCH", f"{self._events}/{event_id}", json=_as_event(plan))
        space = self._ask("GET", f"{self._meet}/{named['space']}")
        return Room(f"{event_id}/{_text(space, 'name').removeprefix('spaces/')}", _text(space, "meetingUri"))

    def remove(self, provider_id: str) -> None:
        """Close the space to everybody, end what goes on in it, delete the event: Meet has no way to delete a space."""
        event_id, space = _parts(provider_id)
        closed = {"config": {"accessType": "RESTRICTED"}}
        steps: tuple[tuple[str, str, Json], ...] = (
            ("PATCH", f"{self._meet}/{space}", {"json": closed, "params": {"updateMask": "config.accessType"}}),
            ("POST", f"{self._meet}/{space}:endActiveConference", {"json": {}}),
            ("DELETE", f"{self._events}/{event_id}", {}),
        )
        for method, url, body in steps:
            try:
                self._ask(method, url, **body)
            except RoomGoneError:
                continue

    def _event(self, event_id: str) -> Json | None:
        """The event as it stands, a deleted one with the status "cancelled"; None if the id was never used."""
        try:
            return self._ask("GET", f"{self._events}/{event_id}")
        except RoomGoneError:
            return None

    # -- people --------------------------------------------------------------------------------------------------------
    def host_address(self, provider_id: str) -> HostAddress | None:  # noqa: ARG002 - Meet has none
        """None: the host gets the same address as everybody."""
        return None

    def register(self, provider_id: str, people: Sequence[Person]) -> None:
        """None: Meet has no personal addresses, and guests of an event would be mailed by Google."""

    def revoke(self, provider_id: str, registrant_id: str) -> None:
        """Nothing to take back."""

    def inside(self, provider_id: str) -> Report | None:
        """Who is and was inside. One request for each participant: Google allows 600 a minute."""
        return self.report(provider_id)

    def report(self, provider_id: str) -> Report:
        """Every stay in every conference of the space. Whole when there was a conference and all of them have ended."""
        records = list(self._conferences(provider_id))
        sightings = [sighting for record in records for sighting in self._sightings(_text(record, "name"))]
        ends = [_moment(record.get("endTime")) for record in records]
        has_ended = bool(records) and None not in ends and all(sighting.left_at for sighting in sightings)
        return Report(
            sightings,
            is_whole=has_ended,
            started_at=min((_moment(_text(record, "startTime")) for record in records), default=None, key=_sortable),
            ended_at=max(ends, key=_sortable) if has_ended else None,
        )

    def recordings(self, provider_id: str) -> list[Recording]:
        """What was recorded and has been saved to the organizer's Drive."""
        return [
            Recording(_text(row, "name"), "recording", row["driveDestination"]["exportUri"])
            for record in self._conferences(provider_id)
            for row in self._list(f"{self._meet}/{_text(record, 'name')}/recordings", "recordings", 100)
            if row.get("driveDestination", {}).get("exportUri")
        ]

    def _conferences(self, provider_id: str) -> Iterator[Json]:
        wanted = {"filter": f'space.name = "{_parts(provider_id)[1]}"'}
        yield from self._list(f"{self._meet}/conferenceRecords", "conferenceRecords", 100, wanted)

    def _sightings(self, conference: str) -> Iterator[Sighting]:
        for row in self._list(f"{self._meet}/{conference}/participants", "participants", 250):
            participant = _participant(row)
            url = f"{self._meet}/{_text(row, 'name')}/participantSessions"
            for session in self._list(url, "participantSessions", 250):
                joined_at, left_at = _moment(_text(session, "startTime")), _moment(session.get("endTime"))
                yield Sighting(participant, _text(session, "name"), joined_at, left_at)

    def _list(self, url: str, key: str, size: int, params: Json | None = None) -> Iterator[Json]:
        """Every row of a list, over all its pages."""
        page: Json = {"nextPageToken": None}
        while "nextPageToken" in page:
            page = self._ask(
                "GET", url, params={**(params or {}), "pageSize": size, "pageToken": page["nextPageToken"]}
            )
            yield from page.get(key, [])

    # -- setting it up -------------------------------------------------------------------------------------------------
    def missing(self) -> list[str]:
        """Try a token for each right alone, then to read the calendar and the conferences."""
        try:
            lacking = [scope for scope in SCOPES if not self._may(scope)]
        except ProviderError as problem:
            return [problem.sentence]
        if lacking:
            return [
                "The service account is not allowed to act for the organizer. In the Google Admin console, under Security, API "
                f"controls, Domain-wide delegation, add its client ID {self._key().get('client_id')} with {_listed(lacking)}."
            ]
        found = []
        for url, params in ((self._events, {"maxResults": 1}), (f"{self._meet}/conferenceRecords", {"pageSize": 1})):
            try:
                self._ask("GET", url, params=params)
            except ProviderError as problem:
                found.append(problem.sentence)
        return list(dict.fromkeys(found))

    def _may(self, scope: str) -> bool:
        """Whether the organisation delegates this right. Raises ProviderError when it cannot be known."""
        try:
            self._credentials([scope]).refresh(partial(self._token_request(), timeout=TIMEOUT))
        except RefreshError as error:
            if _error_code(error) == "unauthorized_client":
                return False
            raise self._token_refused(error) from error
        except TransportError as error:
            raise _unreachable() from error
        return True

    # -- asking Google -------------------------------------------------------------------------------------------------
    def _ask(self, method: str, url: str, **request: Any) -> Json:
        """One request and its answer. Raises ProviderError, RoomGoneError for what is not there."""
        try:
            response = self._session().request(method, url, timeout=TIMEOUT, allow_redirects=False, **request)
        except RefreshError as error:
            raise self._token_refused(error) from error
        except (requests.RequestException, GoogleAuthError) as error:
            raise _unreachable() from error
        if response.status_code == HTTPStatus.NO_CONTENT:
            return {}
        body = _json(response)
        if not response.ok:
            raise _refused(response, body)
        if response.status_code != HTTPStatus.OK or body is None:
            raise ProviderError("Google answered with something that is not its API.")
        return body

    def _session(self) -> AuthorizedSession:
        if self._open is None:
            self._open = AuthorizedSession(self._credentials(SCOPES), auth_request=self._token_request())
        return self._open

    def _credentials(self, scopes: Sequence[str]) -> Any:
        info = {**self._key(), "token_uri": self._token_url}
        try:
            return Credentials.from_service_account_info(info, scopes=scopes, subject=self._organizer)
        except ValueError as error:
            raise ProviderError(_unreadable(self._key_file), again=False) from error

    def _key(self) -> Json:
        try:
            key = json.loads(self._key_file.read_text()) if self._key_file else None
        except (OSError, ValueError) as error:
            raise ProviderError(_unreadable(self._key_file), again=False) from error
        if not isinstance(key, dict):
            raise ProviderError(_unreadable(self._key_file), again=False)
        return key

    def _token_request(self) -> Request:
        session = requests.Session()
        session.max_redirects = 0
        return Request(session)

    def _token_refused(self, error: RefreshError) -> ProviderError:
        if error.retryable:
            return _unreachable()
        code, description = _error_code(error), _error_description(error)
        if "Invalid email" in description:
            return ProviderError(
                f"Google knows no user {self._organizer}: GOOGLE_ORGANIZER must be a user of the Workspace organisation.",
                again=False,
            )
        if "timeframe" in description:
            return ProviderError("Google says that the clock of this server is wrong.", again=False)
        if code == "unauthorized_client":
            return ProviderError(
                "Google no longer lets the service account act for the organizer; `portal rooms check` says what is missing.",
                again=False,
            )
        if code in ("invalid_grant", "invalid_client"):
            return ProviderError(
                "Google does not accept the key of the service account: it was deleted or disabled. Make a new key in the "
                "Google Cloud console, put it where GOOGLE_SERVICE_ACCOUNT points, and restart the worker.",
                again=False,
            )
        return ProviderError(f"Google gives no access token ({code or 'no reason given'}).")


class _ConflictError(ProviderError):
    """The id of an event is taken."""


def _as_event(plan: Plan) -> Json:
    """What of an event follows the meeting."""
    ends_at = plan.starts_at + timedelta(minutes=plan.minutes)
    return {
        "summary": plan.title,
        "start": {"dateTime": plan.starts_at.astimezone(UTC).isoformat(), "timeZone": plan.timezone},
        "end": {"dateTime": ends_at.astimezone(UTC).isoformat(), "timeZone": plan.timezone},
    }


def _is_as_planned(event: Json, plan: Plan) -> bool:
    ends_at = plan.starts_at + timedelta(minutes=plan.minutes)
    times = [_moment(event.get(edge, {}).get("dateTime")) for edge in ("start", "end")]
    return event.get("summary") == plan.title and times == [plan.starts_at, ends_at]


def _participant(row: Json) -> Participant:
    """Signed-in people are the same over all conferences of a room, others only as long as Meet's own name for them lasts."""
    signed_in = row.get("signedinUser")
    person = signed_in or row.get("anonymousUser") or row.get("phoneUser") or {}
    account = (signed_in or {}).get("user")
    return Participant(account or _text(row, "name"), person.get("displayName", ""), account=account)


def _parts(provider_id: str) -> tuple[str, str]:
    event_id, _, space = provider_id.partition("/")
    return event_id, f"spaces/{space}"


def _moment(value: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(value) if value else None
    except ValueError as error:
        raise ProviderError("Google's answer has a time that is none.") from error


def _sortable(moment: datetime | None) -> datetime:
    return moment or datetime.max.replace(tzinfo=UTC)


def _text(body: Json, key: str) -> str:
    value = body.get(key)
    if not isinstance(value, str):
        raise ProviderError(f"Google's answer has no {key}.")
    return value


def _json(response: requests.Response) -> Json | None:
    try:
        body = response.json()
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _refused(response: requests.Response, body: Json | None) -> ProviderError:
    """What an error answer means to whoever may mend it."""
    status, reasons = response.status_code, set(_reasons((body or {}).get("error")))
    if status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
        return RoomGoneError() if _is_one_thing(response.url) else ProviderError(NOT_THERE, again=False)
    if status == HTTPStatus.CONFLICT:
        return _ConflictError("Google is still busy with this room.")
    if reasons.intersection(QUOTA_USED_UP):
        return ProviderError("The quota at Google is used up.", after=LONG_PAUSE)
    if status == HTTPStatus.TOO_MANY_REQUESTS or reasons.intersection(BUSY):
        return ProviderError("Google takes no more requests for the moment.", after=PAUSE)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
        return ProviderError("Google has a problem of its own.")
    if reasons.intersection(NOT_ENABLED):
        api = "Google Calendar API" if "/calendar/v3/" in response.url else "Google Meet REST API"
        return ProviderError(
            f"The {api} is not enabled in the Google Cloud project of the service account; enable it in the console, under "
            "APIs & Services, Library.",
            again=False,
        )
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return ProviderError(
            "Google refuses the service account what it needs; `portal rooms check` says what is missing.", again=False
        )
    return ProviderError(f"Google does not take the request ({status}).", again=False)


def _is_one_thing(url: str) -> bool:
    """Whether an address is that of one event, space or record, not of the whole list of them."""
    return urlsplit(url).path.rpartition("/")[2] not in ("events", "spaces", "conferenceRecords")


def _reasons(error: object) -> Iterator[str]:
    """Every reason an error names, whichever of the two shapes it has."""
    if not isinstance(error, dict):
        return
    yield str(error.get("status", ""))
    for part in (*error.get("errors", ()), *error.get("details", ())):
        if isinstance(part, dict):
            yield str(part.get("reason", ""))


def _error_code(error: RefreshError) -> str:
    return str(_error_body(error).get("error", ""))


def _error_description(error: RefreshError) -> str:
    return str(_error_body(error).get("error_description", ""))


def _error_body(error: RefreshError) -> Json:
    """The token endpoint's answer, which google-auth hands over as the second argument."""
    body = error.args[1] if len(error.args) > 1 else {}
    return body if isinstance(body, dict) else {}


def _unreachable() -> ProviderError:
    return ProviderError("Google cannot be reached.")


def _unreadable(path: object) -> str:
    return f"{path} cannot be read as a service account's key: GOOGLE_SERVICE_ACCOUNT must name the JSON file from Google Cloud."


def _listed(scopes: Sequence[str]) -> str:
    return ngettext("the scope %(scopes)s", "the scopes %(scopes)s", len(scopes), scopes=listed(scopes))
