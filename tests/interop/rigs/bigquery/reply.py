"""Answers, errors of a request (Err) and of a job (JobError), in the service's envelope."""
import json

STATUS = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND",
          503: "UNAVAILABLE"}
REASON = {400: "invalid", 401: "authError", 403: "accessDenied", 404: "notFound", 409: "duplicate",
          412: "conditionNotMet", 429: "rateLimitExceeded", 500: "internalError", 502: "badGateway",
          503: "backendError", 504: "backendError"}


class Err(Exception):
    def __init__(self, code, msg, reason=None, headers=None):
        super().__init__(msg)
        self.code, self.msg, self.reason, self.headers = code, msg, reason or REASON.get(code, "invalid"), headers or {}

    def reply(self):
        return Resp(self.code, {"error": {"code": self.code, "message": self.msg, "status": STATUS.get(self.code, "UNKNOWN"),
                    "errors": [{"domain": "global", "reason": self.reason, "message": self.msg}]}}, self.headers)


class JobError(Exception):
    """A job that ends DONE with errorResult; errors is the errors[] collection."""
    def __init__(self, reason, msg, errors=None, location=None):
        super().__init__(msg)
        self.result = {"reason": reason, "message": msg}
        if location:
            self.result["location"] = location
        self.errors = [self.result] + (errors or [])


class Resp:
    def __init__(self, code=200, obj=None, headers=None, raw=None, ctype="application/json; charset=UTF-8"):
        self.code, self.headers, self.ctype = code, dict(headers or {}), ctype
        self.body = raw if raw is not None else (b"" if obj is None else json.dumps(obj).encode())
