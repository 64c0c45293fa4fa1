"""The ways the stand-in says no, in the shape the real one uses."""


class ApiError(Exception):
    """An answer that is an error. `keep`: what was done before it stays done (a declined card leaves its traces)."""

    def __init__(
        self,
        status: int,
        message: str,
        code: str | None = None,
        param: str | None = None,
        kind: str = "invalid_request_error",
        keep: bool = False,
        **more: object,
    ) -> None:
        super().__init__(message)
        self.status, self.keep = status, keep
        fields = {"code": code, "message": message, "param": param, "type": kind, **more}
        self.body = {"error": {name: value for name, value in fields.items() if value is not None}}


class CutConnection(Exception):  # noqa: N818 - nobody did wrong
    """No answer leaves: the connection is simply gone."""


def missing(kind: str, id: str, param: str = "id") -> ApiError:
    """There is no such thing."""
    return ApiError(404, f"No such {kind}: '{id}'", "resource_missing", param)


def invalid(message: str, param: str | None = None, code: str | None = None) -> ApiError:
    """The request makes no sense as it stands."""
    return ApiError(400, message, code, param)


def declined(message: str, code: str, decline_code: str | None, keep: bool = True, **more: object) -> ApiError:
    """The bank said no."""
    return ApiError(402, message, code, None, "card_error", keep, decline_code=decline_code, **more)
