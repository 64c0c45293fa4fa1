"""The ways the stand-in says no, in the shapes Google has."""

from typing import Any

Json = dict[str, Any]  # of any shape


class CutConnection(Exception):  # noqa: N818 - nobody did wrong
    """No answer leaves: the connection is simply gone."""


class ApiError(Exception):
    """An answer that is an error: HTTP status, sentence, Calendar's reason, and the status as Google's RPCs name it."""

    def __init__(self, status: int, message: str, reason: str, rpc_status: str, detail: str = "") -> None:
        super().__init__(message)
        self.status, self.message, self.reason, self.rpc_status, self.detail = (
            status,
            message,
            reason,
            rpc_status,
            detail,
        )

    def body(self, service: str) -> Json:
        """As Calendar ("Handle API errors" in its guides) or as Meet (google.rpc.Status, google.rpc.ErrorInfo) writes it."""
        error: Json = {"code": self.status, "message": self.message}
        if service == "calendar-json.googleapis.com":
            domain = "usageLimits" if self.status in (403, 429) else "global"
            error["errors"] = [{"domain": domain, "reason": self.reason, "message": self.message}]
        if service == "meet.googleapis.com" or self.detail == "SERVICE_DISABLED":
            error["status"] = self.rpc_status
            if self.detail:
                kind = "type.googleapis.com/google.rpc.ErrorInfo"
                metadata = {"service": service, "consumer": "projects/100000000001"}
                error["details"] = [
                    {"@type": kind, "reason": self.detail, "domain": "googleapis.com", "metadata": metadata}
                ]
        return {"error": error}


class TokenError(Exception):
    """The token endpoint gives no token (RFC 6749 5.2)."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.status, self.body = status, {"error": error, "error_description": description}


def bad_request(message: str) -> ApiError:
    """The request makes no sense as it stands."""
    return ApiError(400, message, "invalid", "INVALID_ARGUMENT")


def not_found(kind: str = "Requested entity was not found.") -> ApiError:
    """There is no such thing."""
    return ApiError(404, kind, "notFound", "NOT_FOUND")
