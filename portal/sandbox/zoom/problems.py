"""How the stand-in says no."""

from typing import Any

NO_MEETING = 3001


class ApiError(Exception):
    """An answer without success, as Zoom gives it."""

    def __init__(
        self,
        status: int,
        code: int,
        message: str,
        *,
        fields: tuple[str, ...] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.headers = status, headers or {}
        self.body: dict[str, Any] = {"code": code, "message": message}
        if fields:
            self.body["errors"] = [{"field": name, "message": "Invalid field."} for name in fields]


class CutConnection(Exception):  # noqa: N818
    """Nobody answers."""
