"""One account at the stand-in: its meetings, who is in them, what was told and mailed, and the switches."""

import base64
import copy
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from portal.sandbox.zoom.problems import NO_MEETING, ApiError

Body = dict[str, Any]  # JSON, of any shape

ACCOUNT, CLIENT, SECRET = "sandbox-account", "sandbox-client", "sandbox-secret"
OWNER = "owner@zoom.example"  # whom `me` means
TOKEN_LASTS, START_LASTS = 3600, 7200  # seconds
DAILY = 100  # meetings a user may make or change in a day
DAILY_REGISTRATIONS = 3  # of one address for one meeting
PAUSES = (300, 1200, 3600)  # seconds before each of Zoom's three further tries
KEPT = 500  # events
LATE = 90  # seconds, where events come late
OPEN_FOR = timedelta(minutes=5)  # after its end a meeting nobody ended is ended by its host

API = {
    "ok": "answers",
    "slow": "answers after eight seconds",
    "down": "is down",
    "error": "answers with an error",
    "busy": "says: too many requests",
    "limit": "says: the daily limit is reached",
    "revoked": "knows the credentials no more",
    "disabled": "says: the app is not activated",
    "contended": "takes each token back, since another program asks for one",
    "scopes": "gives a token without scopes",
}
EVENTS = {"ok": "are told", "lost": "are lost", "doubled": "are told twice", "late": "are told 90 seconds late"}
HOST = {"here": "lets everybody in at once", "never": "is not there unless somebody opens the host's address"}
SWITCHES: Body = {"api": "ok", "events": "ok", "host": "here", "no_registration": False, "no_reports": False}

SCOPES = (
    "meeting:write:meeting:admin meeting:update:meeting:admin meeting:delete:meeting:admin meeting:read:meeting:admin "
    "meeting:read:list_meetings:admin meeting:write:registrant:admin meeting:write:batch_registrants:admin "
    "meeting:update:registrant_status:admin meeting:read:list_past_instances:admin "
    "meeting:read:list_past_participants:admin report:read:list_meeting_participants:admin "
    "cloud_recording:read:list_recording_files:admin"
)


def stamp(at: datetime) -> str:
    """A moment as Zoom writes it."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def moment(text: str) -> datetime:
    """The moment Zoom wrote."""
    return datetime.fromisoformat(text).astimezone(UTC)


def account_id(email: str) -> str:
    """The id of whoever is signed in to Zoom with this address; the same in every meeting."""
    return base64.urlsafe_b64encode(hashlib.sha256(email.lower().encode()).digest()[:16]).decode().rstrip("=")


class World:
    """The account. `path` is its file, None for one that is forgotten; `hook` where it tells events, signed with `secret`."""

    slow_seconds = 8.0
    most_rows = 300  # of a page

    def __init__(
        self,
        path: Path | str | None = None,
        url: str = "",
        hook: str = "",
        secret: str = "",
        clock_path: Path | str | None = None,
        users: tuple[str, ...] = (),
    ) -> None:
        self._path = Path(path) if path else None
        self.url, self.hook, self.secret = url.rstrip("/"), hook, secret
        self._clock = Path(clock_path) if clock_path else None
        self._guard = threading.RLock()
        kept = json.loads(self._path.read_text()) if self._path and self._path.exists() else {}
        self.state: Body = {
            "meetings": {},
            "made": {},
            "tokens": {},
            "starts": {},
            "events": {},
            "sent": [],
            "last": 0,
            **kept,
            "users": [OWNER, *users],
            "switches": {**SWITCHES, **kept.get("switches", {})},
        }

    @contextmanager
    def change(self) -> Iterator[Body]:
        """The state, kept at the end; as it was before when something is refused."""
        with self._guard:
            before = copy.deepcopy(self.state)
            try:
                yield self.state
            except Exception:
                self.state = before
                raise
            if self._path:
                fresh = self._path.with_suffix(".new")
                fresh.write_text(json.dumps(self.state))
                fresh.replace(self._path)

    def now(self) -> datetime:
        """The time here."""
        try:
            ahead = int(self._clock.read_text()) if self._clock else 0
        except (OSError, ValueError):
            ahead = 0
        return datetime.now(UTC) + timedelta(seconds=ahead)

    def switch(self, **switches: Any) -> None:
        """Let the world misbehave; without anything, let it behave again."""
        with self.change() as state:
            state["switches"] = {**SWITCHES, **switches}

    @property
    def switches(self) -> Body:
        """How the world misbehaves."""
        return dict(self.state["switches"])

    @property
    def sent(self) -> list[Body]:
        """What was mailed to registrants: to, subject and text of each, oldest first."""
        return list(self.state["sent"])

    # -- meetings --------------------------------------------------------------------------------------------------
    def user(self, name: str) -> str:
        """The address of the user `name` means: an address, an id, or `me`."""
        for email in self.state["users"]:
            if name in ("me", email, account_id(email)):
                return str(email)
        raise ApiError(404, 1001, f"User does not exist: {name}.")

    def meeting(self, name: str) -> Body:
        """A meeting that was not deleted, by its number."""
        found: Body | None = self.state["meetings"].get(name)
        if found is None or found["_deleted"]:
            raise ApiError(404, NO_MEETING, f"Meeting does not exist: {name}.")
        return found

    def create(self, host: str, given: Body) -> Body:
        """A meeting of a user's, within the day's limit."""
        with self.change() as state:
            email = self.user(host)
            self._count(email)
            state["last"] += 1
            number = 80_000_000_000 + secrets.randbelow(10**9) * 10 + state["last"] % 10
            passcode = secrets.token_hex(3)
            settings = {"approval_type": 2, "registrants_confirmation_email": True, **given.get("settings", {})}
            settings.setdefault("registrants_email_notification", True)
            if state["switches"]["no_registration"]:
                settings["approval_type"] = 2
            made = {
                "id": number,
                "uuid": self._uuid(),
                "host_id": account_id(email),
                "host_email": email,
                "type": 2,
                "status": "waiting",
                "duration": 60,
                "timezone": "UTC",
                "topic": "Zoom Meeting",
                "agenda": "",
                **{name: value for name, value in given.items() if name != "settings"},
                "settings": settings,
                "password": passcode,
                "created_at": stamp(self.now()),
                "join_url": f"{self.url}/j/{number}?pwd={passcode}.1",
                "_deleted": False,
                "_registrants": {},
                "_registered": {},
                "_instances": [],
                "_recordings": [],
            }
            made.setdefault("start_time", stamp(self.now()))
            state["meetings"][str(number)] = made
            return made

    def update(self, name: str, given: Body) -> None:
        """A change, within the day's limit; registrants hear of it unless the meeting says otherwise."""
        with self.change():
            meeting = self.meeting(name)
            self._count(meeting["host_email"])
            meeting["settings"].update(given.get("settings", {}))
            meeting.update({key: value for key, value in given.items() if key != "settings"})
            if meeting["settings"]["registrants_email_notification"]:
                self._mail_registrants(meeting, "was changed")

    def delete(self, name: str, *, remind: bool) -> None:
        """Gone, with an event of it."""
        with self.change():
            meeting = self.meeting(name)
            meeting["_deleted"] = True
            if remind:
                self._mail_registrants(meeting, "was cancelled")
            about = {key: meeting[key] for key in ("uuid", "id", "host_id", "topic", "type", "start_time", "duration")}
            operator = {"operator": meeting["host_email"], "operator_id": meeting["host_id"], "operation": "all"}
            self._tell("meeting.deleted", about | {"timezone": meeting["timezone"]}, self.now(), **operator)

    def start_url(self, meeting: Body) -> str:
        """The host's own way in, for two hours."""
        with self.change() as state:
            key, at = secrets.token_urlsafe(24), self.now().timestamp()
            alive = {name: until for name, until in state["starts"].items() if until > at}
            state["starts"] = {**alive, key: at + START_LASTS}
            return f"{self.url}/s/{meeting['id']}?zak={key}"

    def _count(self, email: str) -> None:
        day = f"{self.now():%Y-%m-%d} {email}"
        made = self.state["made"].get(day, 0)
        if made >= DAILY or self.state["switches"]["api"] == "limit":
            raise ApiError(
                429,
                429,
                f"You have exceeded the daily rate limit ({DAILY}) of Meeting Create/Update API requests permitted for "
                "this particular user. You may resume these requests at GMT 00:00:00.",
                headers={"Retry-After": self._midnight()},
            )
        today = {key: count for key, count in self.state["made"].items() if key[:10] == day[:10]}
        self.state["made"] = {**today, day: made + 1}

    def _midnight(self) -> str:
        """When the day here ends, in real time."""
        now = self.now()
        left = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1) - now
        return stamp(datetime.now(UTC) + left)

    # -- registrants -----------------------------------------------------------------------------------------------
    def register(self, name: str, person: Body, *, confirm: bool | None = None) -> Body:
        """A registration, or the one there is already; `confirm` None: the meeting says whether it is mailed."""
        with self.change():
            meeting = self.meeting(name)
            if self.state["switches"]["no_registration"]:
                raise ApiError(400, 200, f"Only available for Paid user: {meeting['host_id']}.")
            if meeting["settings"]["approval_type"] not in (0, 1):
                raise ApiError(404, 404, f"Registration has not been enabled for this meeting: {name}.")
            email = person["email"].lower()
            if email == meeting["host_email"]:
                raise ApiError(400, 3027, "Host cannot register.")
            times = meeting["_registered"].get(email, 0)
            if times >= DAILY_REGISTRATIONS:
                raise ApiError(
                    429,
                    429,
                    f"You have exceeded the daily rate limit ({DAILY_REGISTRATIONS}) of Add meeting registrant API requests "
                    f"permitted for the registrant {email}.",
                    headers={"Retry-After": self._midnight()},
                )
            meeting["_registered"][email] = times + 1
            known = [each for each in meeting["_registrants"].values() if each["email"] == email]
            alive = [each for each in known if each["status"] == "approved"]
            made = alive[0] if alive else self._registrant(meeting, person | {"email": email})
            if meeting["settings"]["registrants_confirmation_email"] if confirm is None else confirm:
                self._mail(email, f"{meeting['topic']} Confirmation", f"Join from here: {made['join_url']}")
            return made

    def cancel(self, name: str, ids: list[str]) -> None:
        """Registrations that no longer open the room."""
        with self.change():
            meeting = self.meeting(name)
            for each in ids:
                registrant = meeting["_registrants"].get(each)
                if registrant is None:
                    raise ApiError(400, 300, "The registrant does not exist.")
                registrant["status"] = "cancelled"
                if meeting["settings"]["registrants_email_notification"]:
                    self._mail(registrant["email"], "Registration cancelled", f"{meeting['topic']} is without you.")

    def _registrant(self, meeting: Body, person: Body) -> Body:
        key, ticket = secrets.token_urlsafe(16), secrets.token_urlsafe(24)
        made: Body = {
            "id": key,
            "email": person["email"],
            "first_name": person["first_name"],
            "last_name": person.get("last_name", ""),
            "status": "approved",
            "tk": ticket,
            "join_url": f"{self.url}/w/{meeting['id']}?tk={ticket}",
        }
        meeting["_registrants"][key] = made
        return made

    def _mail_registrants(self, meeting: Body, what: str) -> None:
        for each in meeting["_registrants"].values():
            self._mail(each["email"], f"{meeting['topic']} {what}", f"Join from here: {each['join_url']}")

    def _mail(self, to: str, subject: str, text: str) -> None:
        self.state["sent"].append({"to": to, "subject": subject, "text": text})

    # -- people inside ---------------------------------------------------------------------------------------------
    def sit(
        self,
        name: str,
        person: str = "",
        *,
        registrant: str | None = None,
        account: str | None = None,
        host: bool = False,
        at: datetime | None = None,
        way: str = "",
    ) -> str:
        """Somebody comes: by a registration, signed in to Zoom with an address, as the host, or just by a name.

        Returns the id of this one stay; whoever comes back gets another.
        """
        with self.change():
            meeting, at = self.meeting(name), at or self.now()
            known = meeting["_registrants"].get(registrant or "")
            account = meeting["host_email"] if host else account
            number = 16_778_240 + 1024 * sum(len(each["stays"]) for each in meeting["_instances"])
            stay: Body = {
                "participant_uuid": secrets.token_hex(16).upper(),
                "user_id": str(number),
                "name": person or _name_of(known, account or ""),
                "registrant_id": registrant,
                "account": account_id(account) if account else "",
                "email": account or (known["email"] if known else ""),
                "way": way,
                "host": host,
                "waiting": False,
                "join_time": stamp(at),
                "leave_time": None,
            }
            instance = self._running(meeting) or self._start(meeting, at)
            instance["stays"].append(stay)
            if not host and self.state["switches"]["host"] == "never" and not _host_is_in(instance):
                stay["waiting"] = True
                self._tell_of(meeting, instance, stay, "meeting.participant_joined_waiting_room", at)
                return str(stay["participant_uuid"])
            for each in [stay, *_waiting(instance)] if host else [stay]:
                self._let_in(meeting, instance, each, at)
            return str(stay["participant_uuid"])

    def leave(self, participant_uuid: str, at: datetime | None = None) -> None:
        """Somebody goes; with the last one the meeting ends. Who went already is not told of again."""
        with self.change():
            meeting, instance, stay = self.stay(participant_uuid)
            if stay["leave_time"] is None:
                at = at or self.now()
                self._go(meeting, instance, stay, at)
                if all(each["leave_time"] for each in instance["stays"]):
                    self._end(meeting, instance, at)

    def end(self, name: str, at: datetime | None = None) -> None:
        """The host ends it for everybody."""
        with self.change():
            meeting = self.meeting(name)
            instance, at = self._running(meeting), at or self.now()
            if instance:
                for stay in instance["stays"]:
                    if stay["leave_time"] is None:
                        self._go(meeting, instance, stay, at)
                self._end(meeting, instance, at)

    def stay(self, participant_uuid: str) -> tuple[Body, Body, Body]:
        """Meeting, instance and stay; LookupError where there is none."""
        for meeting in self.state["meetings"].values():
            for instance in meeting["_instances"]:
                for stay in instance["stays"]:
                    if stay["participant_uuid"] == participant_uuid:
                        return meeting, instance, stay
        raise LookupError(participant_uuid)

    def record(self, name: str) -> str:
        """What the host recorded of the last time is ready: the address that plays it."""
        with self.change():
            meeting = self.meeting(name)
            instance = meeting["_instances"][-1]
            key = secrets.token_urlsafe(16)
            made = {
                "uuid": instance["uuid"],
                "id": meeting["id"],
                "host_id": meeting["host_id"],
                "topic": meeting["topic"],
                "type": 2,
                "start_time": instance["start_time"],
                "duration": meeting["duration"],
                "total_size": 1024,
                "recording_count": 1,
                "share_url": f"{self.url}/rec/share/{key}",
                "recording_files": [
                    {
                        "id": key,
                        "meeting_id": instance["uuid"],
                        "file_type": "MP4",
                        "recording_type": "shared_screen_with_speaker_view",
                        "play_url": f"{self.url}/rec/play/{key}",
                        "download_url": f"{self.url}/rec/download/{key}",
                        "status": "completed",
                    }
                ],
            }
            meeting["_recordings"].append(made)
            self._tell("recording.completed", made, self.now(), download_token=secrets.token_urlsafe(16))
            return f"{self.url}/rec/play/{key}"

    def advance(self) -> None:
        """Meetings nobody ended are ended by their host some minutes after their time."""
        with self._guard:
            late = [
                (name, until)
                for name, meeting in self.state["meetings"].items()
                if not meeting["_deleted"] and self._running(meeting) and (until := _closes(meeting)) <= self.now()
            ]
        for name, until in late:
            instance = self._running(self.meeting(name))
            joined = max((moment(stay["join_time"]) for stay in (instance or {"stays": []})["stays"]), default=until)
            if joined <= until:  # else somebody opened it again afterwards, and stays as long as they like
                self.end(name, until)

    def _running(self, meeting: Body) -> Body | None:
        last: Body | None = meeting["_instances"][-1] if meeting["_instances"] else None
        return last if last and last["end_time"] is None else None

    def _start(self, meeting: Body, at: datetime) -> Body:
        uuid = self._uuid() if meeting["_instances"] else meeting["uuid"]
        instance: Body = {"uuid": uuid, "start_time": stamp(at), "end_time": None, "opened": False, "stays": []}
        meeting["_instances"].append(instance)
        return instance

    def _let_in(self, meeting: Body, instance: Body, stay: Body, at: datetime) -> None:
        if not instance["opened"]:
            meeting["status"], instance["opened"], instance["start_time"] = "started", True, stamp(at)
            self._tell("meeting.started", _about(meeting, instance), at)
        if stay["waiting"]:
            self._tell_of(meeting, instance, stay, "meeting.participant_left_waiting_room", at)
        stay["waiting"], stay["join_time"] = False, stamp(at)
        self._tell_of(meeting, instance, stay, "meeting.participant_joined", at, join_time=stamp(at))

    def _go(self, meeting: Body, instance: Body, stay: Body, at: datetime) -> None:
        stay["leave_time"] = stamp(at)
        if stay["waiting"]:
            self._tell_of(meeting, instance, stay, "meeting.participant_left_waiting_room", at)
        else:
            why = f"{stay['name']} left the meeting."
            more = {"leave_time": stamp(at), "leave_reason": why}
            self._tell_of(meeting, instance, stay, "meeting.participant_left", at, **more)

    def _end(self, meeting: Body, instance: Body, at: datetime) -> None:
        instance["end_time"] = stamp(at)
        if instance["opened"]:
            self._tell("meeting.ended", _about(meeting, instance) | {"end_time": stamp(at)}, at)
        meeting["status"] = "waiting"

    def _uuid(self) -> str:
        """As Zoom's are; one that begins with a slash must be encoded twice by whoever asks."""
        return "/" + base64.b64encode(secrets.token_bytes(16)).decode()[1:]

    # -- telling ---------------------------------------------------------------------------------------------------
    def _tell_of(self, meeting: Body, instance: Body, stay: Body, event: str, at: datetime, **times: Any) -> None:
        participant = {
            "user_id": stay["user_id"],
            "user_name": stay["name"],
            "id": stay["account"],
            "participant_uuid": stay["participant_uuid"],
            "participant_user_id": stay["account"],
            "email": stay["email"],
            **({"registrant_id": stay["registrant_id"]} if stay["registrant_id"] else {}),
            **(times or {"date_time": stamp(at)}),
        }
        self._tell(event, _about(meeting, instance) | {"participant": participant}, at)

    def _tell(self, event: str, about: Body, at: datetime, **more: Any) -> None:
        how = self.state["switches"]["events"]
        if how == "lost" or not self.hook:
            return
        outer = {"download_token": more.pop("download_token")} if "download_token" in more else {}
        payload = {"account_id": ACCOUNT, **more, "object": about}
        body = {"event": event, "event_ts": int(at.timestamp() * 1000), **outer, "payload": payload}
        due = self.now().timestamp() + (LATE if how == "late" else 0)
        told = {"event": event, "body": json.dumps(body), "due": due, "tries": 0, "status": None, "done": False}
        for _ in range(2 if how == "doubled" else 1):
            self.state["last"] += 1
            self.state["events"][str(self.state["last"])] = dict(told)
        for number in list(self.state["events"])[:-KEPT]:
            del self.state["events"][number]

    def tell(self, send: Callable[[str, dict[str, str]], int]) -> int:
        """Tell everything due by `send(body, headers)`, which returns a status (0: nobody there); how many were told."""
        with self._guard:
            at = self.now().timestamp()
            due = {
                n: each["body"] for n, each in self.state["events"].items() if not each["done"] and each["due"] <= at
            }
        for number, body in due.items():
            status = send(body, sign(body, self.secret))
            with self.change() as state:
                event = state["events"].get(number, {"tries": 0})
                event["tries"], event["status"] = event["tries"] + 1, status
                event["done"] = 0 < status < 500 or event["tries"] > len(PAUSES)
                if not event["done"]:
                    event["due"] = self.now().timestamp() + PAUSES[event["tries"] - 1]
        return len(due)

    def challenge(self) -> tuple[str, str, str]:
        """What Zoom asks of an address before it tells it anything: the message, its plain token and the right answer."""
        plain = secrets.token_urlsafe(16)
        body = {
            "event": "endpoint.url_validation",
            "event_ts": int(time.time() * 1000),
            "payload": {"plainToken": plain},
        }
        return json.dumps(body), plain, digest(plain, self.secret)


def digest(message: str, secret: str) -> str:
    """What proves that one knows the secret."""
    return hmac.new(secret.encode(), message.encode(), "sha256").hexdigest()


def sign(body: str, secret: str, at: int | None = None) -> dict[str, str]:
    """The headers of a message, signed now, in real time."""
    at = int(time.time()) if at is None else at
    return {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Zoom Marketplace/1.0a (sandbox)",
        "x-zm-request-timestamp": str(at),
        "x-zm-signature": f"v0={digest(f'v0:{at}:{body}', secret)}",
    }


def _about(meeting: Body, instance: Body) -> Body:
    return {
        "id": str(meeting["id"]),
        "uuid": instance["uuid"],
        "host_id": meeting["host_id"],
        "topic": meeting["topic"],
        "type": meeting["type"],
        "start_time": instance["start_time"],
        "timezone": meeting["timezone"],
        "duration": meeting["duration"],
    }


def _name_of(registrant: Body | None, account: str) -> str:
    if registrant:
        return f"{registrant['first_name']} {registrant['last_name']}".strip()
    return account.partition("@")[0].capitalize()


def _waiting(instance: Body) -> list[Body]:
    return [stay for stay in instance["stays"] if stay["waiting"] and stay["leave_time"] is None]


def _host_is_in(instance: Body) -> bool:
    return any(stay["host"] and stay["leave_time"] is None for stay in instance["stays"])


def _closes(meeting: Body) -> datetime:
    return moment(meeting["start_time"]) + timedelta(minutes=meeting["duration"]) + OPEN_FOR
