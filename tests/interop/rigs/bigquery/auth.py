"""Who may ask: RS256, tokens, service accounts, token exchange, impersonation, the metadata server."""
import base64
import datetime as dt
import hashlib
import json
import os
import re
import time
import urllib.parse as up
import uuid

from reply import Err, Resp


def b64u(s):
    return base64.urlsafe_b64decode(s + "=" * (-len(s) % 4))


def der(buf, i=0):
    tag, n, i = buf[i], buf[i + 1], i + 2
    if n & 0x80:
        k = n & 0x7F
        n, i = int.from_bytes(buf[i:i + k], "big"), i + k
    return tag, buf[i:i + n], i + n


def rsa_public(pem):
    """(n, e) of a SubjectPublicKeyInfo PEM."""
    raw = base64.b64decode("".join(l for l in pem.splitlines() if "-----" not in l))
    _, spki, _ = der(raw)
    _, _, j = der(spki)
    _, bits, _ = der(spki, j)
    _, key, _ = der(bits[1:])
    _, n, j = der(key)
    _, e, _ = der(key, j)
    return int.from_bytes(n, "big"), int.from_bytes(e, "big")


def rs256_ok(pub, data, sig):
    n, e = pub
    k = (n.bit_length() + 7) // 8
    em = pow(int.from_bytes(sig, "big"), e, n).to_bytes(k, "big")
    t = bytes.fromhex("3031300d060960864801650304020105000420") + hashlib.sha256(data).digest()
    return em == b"\0\1" + b"\xff" * (k - len(t) - 3) + b"\0" + t


class Auth:
    """The part of the API that is about credentials; keydir has public keys, NAME.pub.pem."""

    def __init__(self, st, keydir):
        self.st, self.keydir = st, keydir

    def keys(self):
        out = {}
        for f in sorted(os.listdir(self.keydir)) if self.keydir and os.path.isdir(self.keydir) else []:
            if f.endswith(".pub.pem"):
                with open(os.path.join(self.keydir, f)) as g:
                    out[f[:-8]] = rsa_public(g.read())
        return out

    def jwt(self, tok, audiences):
        """Claims of a good service-account JWT; raises ValueError with the cause."""
        try:
            a, b, s = tok.split(".")
            head, cl = json.loads(b64u(a)), json.loads(b64u(b))
        except ValueError:
            raise ValueError("not a JWT")
        if head.get("alg") != "RS256":
            raise ValueError("alg must be RS256")
        keys = self.keys()
        if head.get("kid") not in keys:
            raise ValueError("unknown kid")
        if not rs256_ok(keys[head["kid"]], (a + "." + b).encode(), b64u(s)):
            raise ValueError("bad signature")
        t = time.time()
        if not cl.get("iat", 0) - 300 <= t < cl.get("exp", 0):
            raise ValueError("token is expired or not yet valid")
        if cl["exp"] - cl["iat"] > 3600:
            raise ValueError("lifetime over one hour")
        if audiences is not None and cl.get("aud") not in audiences:
            raise ValueError("wrong aud %r" % cl.get("aud"))
        return cl

    def authorise(self, h):
        tok = h.get("authorization", "")
        deny = lambda why: Err(401, "Request had invalid authentication credentials. (%s)" % why, "authError",
                               {"WWW-Authenticate": 'Bearer realm="https://accounts.google.com/"'})
        if not tok.startswith("Bearer "):
            raise deny("no bearer token")
        tok = tok[7:]
        if tok.count(".") == 2:                     # self-signed JWT: scope xor aud
            try:
                cl = self.jwt(tok, None)
            except ValueError as e:
                raise deny(e)
            if ("scope" in cl) == ("aud" in cl) or cl.get("iss") != cl.get("sub"):
                raise deny("a self-signed JWT carries either scope or aud, and iss equals sub")
            return
        exp = self.st.tokens.get(tok)
        if exp is None or exp < time.time():
            raise deny("unknown or expired token")

    def issue(self, extra=None):
        tok, ttl = "ya29.fake-" + uuid.uuid4().hex, self.st.cfg["token_ttl_s"]
        self.st.tokens[tok] = time.time() + ttl
        return Resp(200, dict({"access_token": tok, "expires_in": ttl, "token_type": "Bearer"}, **(extra or {})))

    def token(self, m, g, q, h, body, fault):
        f = {k: v[0] for k, v in up.parse_qs(body.decode()).items()}
        gt, bad = f.get("grant_type", ""), lambda e, d: Resp(400, {"error": e, "error_description": d})
        if gt == "urn:ietf:params:oauth:grant-type:jwt-bearer":
            try:
                cl = self.jwt(f.get("assertion", ""), ["http://%s/token" % h.get("host"), "https://%s/token" % h.get("host"),
                                                       "https://oauth2.googleapis.com/token"])
                if not cl.get("scope"):
                    raise ValueError("no scope")
            except ValueError as e:
                return bad("invalid_grant", "Invalid JWT: %s" % e)
            return self.issue()
        if gt == "refresh_token":
            if f.get("refresh_token") != "fake-refresh-token" or not f.get("client_id") or not f.get("client_secret"):
                return bad("invalid_grant", "Bad Request")
            return self.issue({"scope": "https://www.googleapis.com/auth/bigquery"})
        if gt == "urn:ietf:params:oauth:grant-type:token-exchange":
            if f.get("subject_token") == "expired":
                return bad("invalid_grant", "The subject token is expired")
            if not f.get("subject_token") or not f.get("audience"):
                return bad("invalid_request", "subject_token and audience are required")
            return self.issue({"issued_token_type": "urn:ietf:params:oauth:token-type:access_token"})
        return bad("unsupported_grant_type", "Invalid grant_type: " + gt)

    def impersonate(self, m, g, q, h, body, fault):
        self.authorise(h)
        r = json.loads(self.issue().body)
        t = dt.datetime.now(dt.timezone.utc) + dt.timedelta(seconds=r["expires_in"])
        return Resp(200, {"accessToken": r["access_token"], "expireTime": t.strftime("%Y-%m-%dT%H:%M:%SZ")})

    def metadata(self, m, g, q, h, body, fault):
        F = {"Metadata-Flavor": "Google", "Server": "Metadata Server for VM"}
        path = g[0]
        text = lambda s: Resp(200, raw=s.encode(), headers=F, ctype="application/text")
        if path and h.get("metadata-flavor") != "Google":
            return Resp(403, raw=b"Missing Metadata-Flavor:Google header.", headers=F, ctype="text/html")
        p = path.replace("computeMetadata/v1/", "", 1).strip("/")
        if p in ("", "computeMetadata/v1"):
            return text("computeMetadata/\n")
        if p == "project/project-id":
            return text("fake-project")
        if p == "universe/universe-domain" or p == "universe/universe_domain":
            return text("googleapis.com")
        if re.match(r"^instance/service-accounts/[^/]+/token$", p):
            r = self.issue()
            r.headers.update(F)
            return r
        if re.match(r"^instance/service-accounts/[^/]+/email$", p):
            return text("metadata@fake-project.iam.gserviceaccount.com")
        if re.match(r"^instance/service-accounts/[^/]+$", p):
            return Resp(200, {"aliases": ["default"], "email": "metadata@fake-project.iam.gserviceaccount.com",
                              "scopes": ["https://www.googleapis.com/auth/cloud-platform"]}, F)
        return Resp(404, raw=b"not found", headers=F, ctype="text/html")

