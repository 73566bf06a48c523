"""Check a credit voucher, or a whole evidence log, with Python and the package ``cryptography``; the network may be off.

    python verify_voucher.py FILE [--trust TRUST] [--audience CODE] [--checkpoint OLD] [--nonce CODE] [--seen FILE]

FILE is the bundle that a firm handed over, or a log that a witness downloaded. TRUST is the file of public keys that the
marketplace shows: fetch it once, over a way you trust; without it the keys in FILE itself are used and printed for you
to compare. OLD is a checkpoint that you kept from before: what it saw must be the beginning of what FILE proves.
The voucher is an SD-JWT (RFC 9901) bound to one bank; its revocation list a Token Status List; the log a Merkle tree
(RFC 9162) with C2SP checkpoints and co-signatures.

Exit status 0: all holds. 1: something does not, and it is named. 2: there is no such file.
"""

import argparse
import base64
import binascii
import hashlib
import json
import sys
import time
import zlib
from datetime import datetime

BUNDLE, LOG, TRUST = "credit-voucher/1", "evidence-log/1", "evidence-trust/1"
VOUCHER_TYPE, BINDING_TYPE, STATUS_TYPE = "credit-voucher+sd-jwt", "kb+jwt", "statuslist+jwt"
NOTE_KEY, COSIGNATURE_KEY = 1, 4
# Clocks of two machines differ; a voucher from further in the future was not made by a right one.
LEEWAY = 300
REVOKED = 1
# Leaves that stand for many records of one firm: a file that it handed in, or what it did on the marketplace.
BATCHES = ("records.imported", "records.gathered")

# Each refusal and each thing found, in Chinese and in English.
WORDS = {
    "unreadable": ("这不是凭证文件，或已损坏：{why}", "This is no voucher file, or it was damaged: {why}"),
    "shell": ("文件外层被改动：{what}", "The outer shell of the file was changed: {what}"),
    "other_issuer": ("签发方与信任文件不符。", "The voucher's issuer is not the one of your trust file."),
    "signature": (
        "{what}的签名不符：内容被改动或由他人签发。",
        "The signature of the {what} does not fit: changed, or signed by somebody else.",
    ),
    "disclosure": ("第 {place} 项披露内容不属于本凭证。", "Disclosure {place} does not belong to this voucher."),
    "disclosures": ("披露内容有误：{why}", "The disclosures are wrong: {why}"),
    "audience": ("本凭证开给 {found}，不是 {wanted}。", "This voucher was made for {found}, not for {wanted}."),
    "binding": ("持有人签名缺失或不符：{why}", "The holder's signature is missing or does not fit: {why}"),
    "nonce": (
        "随机码不符：可能是重放的旧凭证。",
        "The nonce is not the one asked for: an old presentation may have been played again.",
    ),
    "replayed": (
        "此次出示已核验过：凭证不可重放。",
        "This presentation was checked before: it cannot be played again.",
    ),
    "early": ("凭证尚未生效（{when}）。", "The voucher is not valid yet ({when})."),
    "expired": ("凭证已过期（{when}）。", "The voucher has expired ({when})."),
    "revoked": ("凭证已被撤销（状态列表时间 {when}）。", "The voucher was revoked (status list of {when})."),
    "status": ("状态列表不可用：{why}", "The status list is of no use: {why}"),
    "leaf": ("存证日志第 {index} 条与凭证不符：{why}", "Leaf {index} of the log does not fit the voucher: {why}"),
    "inclusion": (
        "第 {index} 条不在存证日志中：被改动、插入或调换。",
        "Leaf {index} is not in the log: changed, inserted or moved.",
    ),
    "batches": (
        "记录批次被删除、插入或调换：凭证列明 {wanted}，文件中为 {found}。",
        "Batches of records were removed, inserted or moved: the voucher lists {wanted}, the file has {found}.",
    ),
    "record": (
        "批次 {batch} 的第 {place} 条记录不符：被改动、插入或调换。",
        "Record {place} of batch {batch} does not fit: changed, inserted or moved.",
    ),
    "checkpoint": ("检查点无效：{why}", "The checkpoint is not valid: {why}"),
    "quorum": (
        "见证方仅 {found} 家联签，要求 {wanted} 家：可能存在分叉日志。",
        "Only {found} witnesses co-signed, {wanted} are asked for: there may be another view of the log.",
    ),
    "shorter": (
        "日志被截短：您的检查点有 {old} 条，文件仅 {new} 条。若文件更早，请企业重新出示，或用 --consistency 提供证明。",
        "The log was cut: your checkpoint saw {old} leaves, this file proves only {new}. If the file is older, have it presented anew, or give a proof by --consistency.",
    ),
    "rewritten": (
        "日志被改写：您的检查点所见的 {old} 条不是它的开头。",
        "The log was rewritten: the {old} leaves that your checkpoint saw are not its beginning.",
    ),
    "no_proof": (
        "文件中没有从第 {old} 条检查点出发的一致性证明：请向平台索取后用 --consistency 提供。",
        "The file has no proof from your checkpoint of {old} leaves: ask the marketplace for one and give it by --consistency.",
    ),
    "log_line": ("第 {line} 行被改动：无法读取。", "Line {line} was changed: it cannot be read."),
    "log_range": (
        "第 {start} 至 {end} 条之间有改动、删除、插入或调换。",
        "Between leaf {start} and leaf {end} something was changed, removed, inserted or moved.",
    ),
    "log_count": (
        "检查点有 {wanted} 条，文件有 {found} 条：被{zh}。",
        "The checkpoint tells of {wanted} leaves, the file has {found}: {en}.",
    ),
    "ok_issuer": ("签发方：{name}，密钥 {key}", "Issued by {name}, key {key}"),
    "ok_trust": (
        "密钥取自文件本身，请与平台公布的核对。",
        "The keys are those of the file itself: compare them with what the marketplace shows.",
    ),
    "ok_voucher": (
        "凭证 {number}，签发于 {issued}，有效至 {expires}",
        "Voucher {number}, issued {issued}, valid until {expires}",
    ),
    "ok_status": ("未撤销（状态列表时间 {when}）", "Not revoked (status list of {when})"),
    "ok_binding": (
        "由持有人向 {audience} 出示于 {when}，随机码 {nonce}",
        "Presented by its holder to {audience} at {when}, nonce {nonce}",
    ),
    "ok_records": (
        "{batches} 批记录共 {count} 条均在存证日志中；其中 {shown} 条随附并核对",
        "{batches} batches with {count} records stand in the log; {shown} of them are attached and fit",
    ),
    "ok_checkpoint": (
        "检查点：{size} 条，{cosigned} 家见证方联签（{names}）",
        "Checkpoint of {size} leaves, co-signed by {cosigned} witnesses ({names})",
    ),
    "ok_consistent": (
        "与您保存的检查点（{old} 条）一致：日志只增未改",
        "Fits your old checkpoint of {old} leaves: the log only grew",
    ),
    "ok_log": ("存证日志 {size} 条完好", "The log of {size} leaves is as it was written"),
}


class Broken(Exception):  # noqa: N818 - named for the fact
    """Something does not hold; ``zh`` and ``en`` say what."""

    def __init__(self, code, **values):
        self.code = code
        self.zh, self.en = (text.format(**values) for text in WORDS[code])
        super().__init__(self.en)


def found(code, **values):
    zh, en = (text.format(**values) for text in WORDS[code])
    return {"code": code, "zh": zh, "en": en}


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def sha256(content):
    return hashlib.sha256(content if isinstance(content, bytes) else content.encode()).hexdigest()


def moment(seconds):
    return datetime.fromtimestamp(seconds).astimezone().isoformat(timespec="seconds")


# --- Merkle proofs, RFC 9162 section 2.1 ---


def leaf_hash(entry):
    return hashlib.sha256(b"\0" + entry).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def verify_inclusion(leaf, index, size, proof, root):
    """Say whether the proof leads from the leaf's hash to the root: RFC 9162, 2.1.3.2."""
    if not 0 <= index < size:
        return False
    here, last, now = index, size - 1, leaf
    for step in proof:
        if last == 0:
            return False
        if here & 1 or here == last:
            now = node_hash(step, now)
            while not here & 1 and here:
                here >>= 1
                last >>= 1
        else:
            now = node_hash(now, step)
        here >>= 1
        last >>= 1
    return last == 0 and now == root


def verify_consistency(old_size, size, proof, old_root, root):
    """Say whether the old tree is the beginning of the other: RFC 9162, 2.1.4.2."""
    if not 0 < old_size <= size:
        return False
    if old_size == size:
        return not proof and old_root == root
    steps = list(proof)
    if old_size & (old_size - 1) == 0:
        steps.insert(0, old_root)
    if not steps:
        return False
    here, last = old_size - 1, size - 1
    while here & 1:
        here >>= 1
        last >>= 1
    old_now = now = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if here & 1 or here == last:
            old_now, now = node_hash(step, old_now), node_hash(step, now)
            while not here & 1 and here:
                here >>= 1
                last >>= 1
        else:
            now = node_hash(now, step)
        here >>= 1
        last >>= 1
    return last == 0 and old_now == old_root and now == root


# --- Signatures: JWS (RFC 7515) with EdDSA or ES256, C2SP signed notes ---


def from_base64url(text):
    """Return the bytes of unpadded base64url; only the one right spelling of them is taken."""
    content = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if base64.urlsafe_b64encode(content).rstrip(b"=").decode() != text:
        raise ValueError("not base64url")
    return content


def fits(jwk, algorithm, signature, message):
    """Say whether the signature of a message is by this key."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - so that --help needs nothing
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils  # noqa: PLC0415

    try:
        if (jwk["kty"], jwk["crv"], algorithm) == ("OKP", "Ed25519", "EdDSA"):
            ed25519.Ed25519PublicKey.from_public_bytes(from_base64url(jwk["x"])).verify(signature, message)
        elif (jwk["kty"], jwk["crv"], algorithm) == ("EC", "P-256", "ES256") and len(signature) == 64:
            x, y, r, s = (
                int.from_bytes(part)
                for part in (from_base64url(jwk["x"]), from_base64url(jwk["y"]), signature[:32], signature[32:])
            )
            key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
            key.verify(utils.encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
        else:
            return False
    except (InvalidSignature, ValueError):
        return False
    return True


def read_jws(compact, jwk, kind, what):
    """Return the payload of a signed token of this type.

    :raises Broken: if it cannot be read, or is not signed by this key
    """
    try:
        head, payload, signature = compact.split(".")
        header = json.loads(from_base64url(head))
        if header["typ"] != kind or not fits(
            jwk, header["alg"], from_base64url(signature), f"{head}.{payload}".encode()
        ):
            raise Broken("signature", what=what)
        return json.loads(from_base64url(payload))
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error) as error:
        raise Broken("signature", what=what) from error


def read_note(text):
    """Return body, and name, key id and content of each signature, of a C2SP signed note."""
    body, gap, tail = text.rpartition("\n\n")
    if not gap or not tail.endswith("\n"):
        raise ValueError("no signed note")
    signatures = []
    for line in tail[:-1].split("\n"):
        dash, name, blob = line.split(" ")
        content = base64.b64decode(blob, validate=True)
        if dash != "—" or not name or len(content) < 5 or base64.b64encode(content).decode() != blob:
            raise ValueError("no signature line")
        signatures.append((name, content[:4], content[4:]))
    return body + "\n", signatures


def read_key(text):
    """Return name, id, kind and public key of a key as C2SP writes it: name+id+base64."""
    name, identifier, content = text.split("+", 2)
    raw = base64.b64decode(content, validate=True)
    if identifier != key_id(name, raw).hex() or len(raw) != 33:
        raise ValueError("no key")
    return name, bytes.fromhex(identifier), raw[0], raw[1:]


def key_id(name, raw):
    return hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]


def ed25519_jwk(public):
    return {"kty": "OKP", "crv": "Ed25519", "x": base64.urlsafe_b64encode(public).rstrip(b"=").decode()}


def cosigned_message(body, seconds):
    """Return what a witness signs: C2SP tlog-cosignature, version 1."""
    return f"cosignature/v1\ntime {seconds}\n{body}".encode()


def read_checkpoint(text, origin, log_key):
    """Return size, root, body and signatures of a checkpoint of this log.

    :raises Broken: if it cannot be read, is of another log, or is not signed by it
    """
    try:
        body, signatures = read_note(text)
        found_origin, size, root = body.split("\n")[:3]
        name, identifier, kind, public = read_key(log_key)
        number = int(size)
        head = base64.b64decode(root, validate=True)
        is_written_right = str(number) == size and body == f"{origin}\n{size}\n{base64.b64encode(head).decode()}\n"
    except (ValueError, IndexError, AttributeError, binascii.Error) as error:
        raise Broken("checkpoint", why="unreadable / 无法读取") from error
    if found_origin != origin:
        raise Broken("checkpoint", why=f"{found_origin} ≠ {origin}")
    for signer, signed_by, signature in signatures:
        if (signer, signed_by, kind) == (name, identifier, NOTE_KEY):
            if is_written_right and fits(ed25519_jwk(public), "EdDSA", signature, body.encode()):
                return number, head, body, signatures
            break
    raise Broken("signature", what="checkpoint / 检查点")


def cosigners(body, signatures, witnesses):
    """Return the organisations that co-signed, each once; a line of a key that nobody told us of counts for nothing.

    :raises Broken: if a co-signature of a known witness does not fit, or stands there twice
    """
    known = {}
    for witness in witnesses:
        name, identifier, kind, public = read_key(witness["key"])
        known[name, identifier] = (kind, public, witness.get("organisation", name))
    signed, keys = [], set()
    for name, identifier, content in signatures:
        if (name, identifier) not in known:
            continue
        kind, public, shown = known[name, identifier]
        message = cosigned_message(body, int.from_bytes(content[:8]))
        if (
            kind != COSIGNATURE_KEY
            or not fits(ed25519_jwk(public), "EdDSA", content[8:], message)
            or identifier in keys
        ):
            raise Broken("signature", what=f"co-signature / 联签 {name}")
        keys.add(identifier)
        if shown not in signed:
            signed.append(shown)
    return signed


def check_signed(note, keys, quorum):
    """Return size, root and witnesses of a checkpoint that enough of them co-signed."""
    size, root, body, signatures = read_checkpoint(note, keys["origin"], keys["log_key"])
    log_name, log_key_id, *_ = read_key(keys["log_key"])
    others = [one for one in signatures if one[:2] != (log_name, log_key_id)]
    if len(signatures) - len(others) != 1:
        raise Broken("checkpoint", why="signed twice / 重复签名")
    signers = cosigners(body, others, keys["witnesses"])
    if len(signers) < quorum:
        raise Broken("quorum", found=len(signers), wanted=quorum)
    return size, root, signers


# --- SD-JWT, RFC 9901 ---


def digest(disclosure):
    """Return the hash by which a disclosure is known: RFC 9901, 4.2.3."""
    return base64.urlsafe_b64encode(hashlib.sha256(disclosure.encode()).digest()).rstrip(b"=").decode()


class Disclosures:
    """What a firm disclosed, each found by the hash of it that the issuer signed."""

    def __init__(self, encoded):
        self.places = {digest(one): (place, one) for place, one in enumerate(encoded, 1)}
        self.seen, self.used = set(), set()
        if len(self.places) != len(encoded):
            raise Broken("disclosures", why="given twice / 重复")

    def read(self, known_by, length):
        """Return salt, name (of a claim, not of a list's item) and value; None where it was not disclosed."""
        if not isinstance(known_by, str) or known_by in self.seen:
            raise Broken("disclosures", why="a digest stands twice / 摘要重复")
        self.seen.add(known_by)
        if known_by not in self.places:
            return None
        place, encoded = self.places[known_by]
        try:
            content = json.loads(from_base64url(encoded))
        except ValueError:
            content = None
        if not isinstance(content, list) or len(content) != length or not isinstance(content[0], str):
            raise Broken("disclosure", place=place)
        self.used.add(known_by)
        return content

    def walk(self, value):
        if isinstance(value, list):
            return [inner for item in value for inner in self.item(item)]
        if not isinstance(value, dict):
            return value
        out = {name: self.walk(inner) for name, inner in value.items() if name != "_sd"}
        for known_by in value.get("_sd", []):
            content = self.read(known_by, 3)
            if content:
                name = content[1]
                if not isinstance(name, str) or name in ("_sd", "...") or name in out:
                    raise Broken("disclosures", why=f"the name “{name}” / 名称")
                out[name] = self.walk(content[2])
        return out

    def item(self, item):
        if not isinstance(item, dict) or set(item) != {"..."}:
            return [self.walk(item)]
        content = self.read(item["..."], 2)
        return [self.walk(content[1])] if content else []


def reveal(payload, disclosures):
    """Return the claims with what was disclosed in its places: RFC 9901, 7.1.

    :raises Broken: if a disclosure is of no place, of two, or not what it should be
    """
    if payload.get("_sd_alg", "sha-256") != "sha-256":
        raise Broken("disclosures", why=f"_sd_alg {payload['_sd_alg']}")
    given = Disclosures(disclosures)
    claims = given.walk({name: value for name, value in payload.items() if name != "_sd_alg"})
    for known_by, (place, _) in given.places.items():
        if known_by not in given.used:
            raise Broken("disclosure", place=place)
    return claims


def check_presentation(presentation, issuer, *, now, audience="", nonce="", voucher_type=VOUCHER_TYPE):
    """Return the claims and the payload of the key binding of an SD-JWT+KB: RFC 9901, 7.3.

    :raises Broken: if anything in it does not hold
    """
    signed, *disclosures, binding = presentation.split("~") if isinstance(presentation, str) else [""]
    if not disclosures and not signed:
        raise Broken("unreadable", why="presentation")
    payload = read_jws(signed, issuer, voucher_type, "voucher / 凭证")
    claims = reveal(payload, disclosures)
    holder = payload.get("cnf", {}).get("jwk")
    if not binding or not holder:
        raise Broken("binding", why="none / 缺失")
    try:
        bound = read_jws(binding, holder, BINDING_TYPE, "holder / 持有人")
    except Broken as broken:
        raise Broken("binding", why=broken.en) from broken
    if bound.get("sd_hash") != digest(presentation[: -len(binding)]):
        raise Broken("binding", why="sd_hash")
    wanted = payload.get("aud")
    if bound.get("aud") != wanted or (audience and audience != wanted):
        raise Broken("audience", found=wanted, wanted=audience or bound.get("aud"))
    if nonce and bound.get("nonce") != nonce:
        raise Broken("nonce")
    issued, made = payload.get("iat", 0), bound.get("iat", 0)
    if max(issued, made) > now + LEEWAY:
        raise Broken("early", when=moment(max(issued, made)))
    if not isinstance(payload.get("exp"), int) or payload["exp"] <= now:
        raise Broken("expired", when=moment(payload.get("exp") or 0))
    return claims, bound


def check_status(token, issuer, status, *, now):
    """Return when the status list was made, in which the voucher is not revoked: Token Status List.

    :raises Broken: if the list cannot be used, or says that it is
    """
    listed = read_jws(token, issuer, STATUS_TYPE, "status list / 状态列表")
    try:
        place, made = status["status_list"]["idx"], listed["iat"]
        bits = zlib.decompressobj().decompress(from_base64url(listed["status_list"]["lst"]), 1 << 24)
        is_right = listed["sub"] == status["status_list"]["uri"] and listed["status_list"]["bits"] == 1
        value = bits[place >> 3] >> (place & 7) & 1
    except (ValueError, KeyError, TypeError, IndexError, zlib.error, binascii.Error) as error:
        raise Broken("status", why="unreadable / 无法读取") from error
    if not is_right or made > now + LEEWAY:
        raise Broken("status", why="of another issuer or time / 来源或时间不符")
    if value == REVOKED:
        raise Broken("revoked", when=moment(made))
    if listed.get("exp", now + 1) <= now:
        raise Broken("status", why=f"expired {moment(listed['exp'])} / 已过期，请取新列表（--status）")
    return made


# --- The bundle ---

FIELDS = {"batches", "checkpoint", "consistency", "format", "leaf", "presentation", "status_list", "trust"}


def check_bundle(
    bundle, text, *, now, trust=None, audience="", nonce="", old="", status="", consistency=None, quorum=0
):
    """Return claims and what was found of a voucher bundle in which everything holds.

    :raises Broken: naming the first thing that does not
    """
    if set(bundle) != FIELDS:
        raise Broken("shell", what=", ".join(sorted(set(bundle) ^ FIELDS)))
    keys = trust or bundle["trust"]
    issuer = keys["issuer"]["jwk"]
    if trust and trust["issuer"]["jwk"] != bundle["trust"]["issuer"]["jwk"]:
        raise Broken("other_issuer")
    claims, bound = check_presentation(bundle["presentation"], issuer, now=now, audience=audience, nonce=nonce)
    signed = bundle["presentation"].split("~")[0]
    made = check_status(status or bundle["status_list"], issuer, claims["status"], now=now)

    size, root, signers = check_signed(bundle["checkpoint"], keys, quorum or (trust or {}).get("quorum", 0))

    check_leaf(bundle["leaf"], size, root)
    content = bundle["leaf"]["entry"]["content"]
    if bundle["leaf"]["entry"]["kind"] != "voucher.issued" or content.get("sha256") != sha256(signed):
        raise Broken("leaf", index=bundle["leaf"]["index"], why="sha256")
    count, shown = check_batches(bundle["batches"], claims["evidence"], content["organisation"], size, root)

    words = [
        found("ok_issuer", name=keys["issuer"]["name"], key=issuer["x"]),
        *([] if trust else [found("ok_trust")]),
        found("ok_voucher", number=claims["jti"], issued=moment(claims["iat"]), expires=moment(claims["exp"])),
        found("ok_status", when=moment(made)),
        found("ok_binding", audience=bound["aud"], when=moment(bound["iat"]), nonce=bound["nonce"]),
        found("ok_records", batches=len(bundle["batches"]), count=count, shown=shown),
        found("ok_checkpoint", size=size, cosigned=len(signers), names=", ".join(signers) or "–"),
    ]
    if old:
        proofs = [*bundle["consistency"], *(consistency or [])]
        words.append(found("ok_consistent", old=check_old(old, keys, size, root, proofs)))
    if bound.get("file_hash") != sha256(canonical({**bundle, "presentation": ""})):
        raise Broken("shell", what="file_hash")
    if text.rstrip("\n") != canonical(bundle):
        raise Broken("shell", what="written otherwise than the marketplace writes it / 格式被改")
    return claims, bound, words


def check_leaf(leaf, size, root):
    entry = leaf_hash(canonical(leaf["entry"]).encode())
    proof = [bytes.fromhex(step) for step in leaf["proof"]]
    if not verify_inclusion(entry, leaf["index"], size, proof, root):
        raise Broken("inclusion", index=leaf["index"])


def check_batches(batches, listed, organisation, size, root):
    """Return how many records the voucher rests on, and how many are attached."""
    present = [batch["index"] for batch in batches]
    if present != [one["leaf"] for one in listed]:
        raise Broken("batches", wanted=[one["leaf"] for one in listed], found=present)
    count = shown = 0
    for batch, promised in zip(batches, listed, strict=True):
        check_leaf(batch, size, root)
        entry, index = batch["entry"], batch["index"]
        if entry["kind"] not in BATCHES or entry["content"]["organisation"] != organisation:
            raise Broken("leaf", index=index, why="organisation")
        if [entry["content"]["root"], entry["content"]["count"]] != [promised["root"], promised["count"]]:
            raise Broken("leaf", index=index, why="root")
        count += promised["count"]
        places = [record["place"] for record in batch["records"]]
        if places != sorted(set(places)):
            raise Broken("record", batch=index, place=places)
        for record in batch["records"]:
            check_record(record, index, promised)
            shown += 1
    return count, shown


def check_record(record, batch, promised):
    # A record is attached whole, or only as the hash by which the firm may show it later.
    hashed = sha256(canonical(record["content"])) if "content" in record else record["sha256"]
    proof = [bytes.fromhex(step) for step in record["proof"]]
    leaf, root = leaf_hash(bytes.fromhex(hashed)), bytes.fromhex(promised["root"])
    if not verify_inclusion(leaf, record["place"], promised["count"], proof, root):
        raise Broken("record", batch=batch, place=record["place"])


def check_old(old, keys, size, root, proofs):
    """Return the size of a checkpoint kept from before, that this one grew from; or, proof given, that grew from this."""
    old_size, old_root, *_ = read_checkpoint(old, keys["origin"], keys["log_key"])
    (first, first_root), (last, last_root) = sorted([(old_size, old_root), (size, root)])
    steps = [] if first == last else None
    for proof in proofs:
        if (proof["old"], proof["size"]) == (first, last):
            steps = [bytes.fromhex(step) for step in proof["proof"]]
    if steps is None and old_size > size:
        raise Broken("shorter", old=old_size, new=size)
    if steps is None:
        raise Broken("no_proof", old=old_size)
    if (first == last and old_root != root) or not verify_consistency(first, last, steps, first_root, last_root):
        raise Broken("rewritten", old=old_size)
    return old_size


# --- The whole log ---


def check_log(lines, header, *, trust=None, olds=(), quorum=0):
    """Return what was found of a whole log, as a witness downloads it: a header, a line for each leaf, a checkpoint.

    :raises Broken: naming the first line or range that was changed, removed, inserted or moved
    """
    keys = trust or header["trust"]
    try:
        note = json.loads(lines[-1])["checkpoint"]
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise Broken("log_line", line=len(lines) + 1) from error
    size, root, signers = check_signed(note, keys, quorum or (trust or {}).get("quorum", 0))
    marks = {size: root}
    for old in olds:
        old_size, old_root, *_ = read_checkpoint(old, keys["origin"], keys["log_key"])
        if old_size > size:
            raise Broken("shorter", old=old_size, new=size)
        if marks.setdefault(old_size, old_root) != old_root:
            raise Broken("rewritten", old=old_size)
    check_lines(lines[:-1], marks)
    if len(lines) - 1 != size:
        zh, en = ("截短", "leaves were removed") if len(lines) <= size else ("添加", "leaves were added")
        raise Broken("log_count", wanted=size, found=len(lines) - 1, zh=zh, en=en)
    return [
        found("ok_log", size=size),
        found("ok_checkpoint", size=size, cosigned=len(signers), names=", ".join(signers) or "–"),
        *(found("ok_consistent", old=old) for old in sorted(set(marks) - {size})),
    ]


def check_lines(lines, marks):
    """Grow the tree again, leaf by leaf; where a checkpoint was made, its root must come out."""
    frontier, good = [], 0
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line)
            is_right = set(entry) == {"at", "content", "kind"} and canonical(entry) == line
        except (ValueError, TypeError):
            is_right = False
        if not is_right:
            raise Broken("log_line", line=number + 1)
        grow(frontier, number - 1, leaf_hash(line.encode()))
        if number in marks:
            if fold(frontier) != marks[number]:
                raise Broken("log_range", start=good, end=number - 1)
            good = number


def grow(frontier, index, leaf):
    while index & 1:
        leaf = node_hash(frontier.pop(), leaf)
        index >>= 1
    frontier.append(leaf)


def fold(frontier):
    right = frontier[-1]
    for left in reversed(frontier[:-1]):
        right = node_hash(left, right)
    return right


def verify(text, *, now, trust=None, audience="", nonce="", olds=(), status="", consistency=None, quorum=0):
    """Return claims, key binding and findings of a bundle; of a log the findings alone.

    :raises Broken: naming what does not hold
    """
    lines = text.rstrip("\n").split("\n")
    try:
        first = json.loads(lines[0])
        kind = first["format"]
    except (ValueError, KeyError, TypeError) as error:
        raise Broken("unreadable", why="JSON") from error
    try:
        if kind == LOG:
            return {}, {}, check_log(lines[1:], first, trust=trust, olds=olds, quorum=quorum)
        if kind == BUNDLE and len(lines) == 1:
            options = {"status": status, "consistency": consistency, "quorum": quorum, "nonce": nonce}
            result = None
            for old in olds or [""]:
                result = check_bundle(first, text, now=now, trust=trust, audience=audience, old=old, **options)
            return result
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
        raise Broken("unreadable", why=f"{type(error).__name__} {error}") from error
    raise Broken("unreadable", why=f"format {kind}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("file")
    parser.add_argument("--trust", help="the file of public keys that the marketplace shows")
    parser.add_argument("--audience", default="", help="your own code (USCC): a voucher for another is refused")
    parser.add_argument("--checkpoint", action="append", default=[], help="a checkpoint kept from before")
    parser.add_argument("--consistency", help="a proof from that checkpoint, asked of the marketplace")
    parser.add_argument("--nonce", default="", help="the code that you asked the firm to present with")
    parser.add_argument("--seen", help="a file in which presentations already checked are noted")
    parser.add_argument("--status", help="a newer status list than the one in the file")
    parser.add_argument("--quorum", type=int, default=0, help="how many witnesses must have co-signed")
    parser.add_argument("--json", action="store_true", help="print claims and findings as JSON")
    said = parser.parse_args()
    try:
        text = _read(said.file)
        trust = json.loads(_read(said.trust)) if said.trust else None
        consistency = [json.loads(_read(said.consistency))] if said.consistency else None
        olds = [_read(path) for path in said.checkpoint]
        status = _read(said.status).strip() if said.status else ""
        seen = _read(said.seen, default="").split() if said.seen else []
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command
        return 2
    options = {"trust": trust, "audience": said.audience, "nonce": said.nonce, "quorum": said.quorum}
    try:
        claims, bound, words = verify(
            text, now=int(time.time()), olds=olds, status=status, consistency=consistency, **options
        )
        check_unseen(bound, seen)
    except Broken as broken:
        if said.json:
            print(json.dumps({"ok": False, "code": broken.code, "zh": broken.zh, "en": broken.en}, ensure_ascii=False))  # noqa: T201
        else:
            print(f"✗ {broken.zh}\n✗ {broken.en}")  # noqa: T201
        return 1
    if said.seen and bound:
        with open(said.seen, "a", encoding="utf-8") as file:  # noqa: PTH123
            file.write(f"{bound['nonce']}\n")
    if said.json:
        print(json.dumps({"ok": True, "claims": claims, "findings": words}, ensure_ascii=False, indent=1))  # noqa: T201
    else:
        for word in words:
            print(f"✓ {word['zh']}\n  {word['en']}")  # noqa: T201
        for name, value in claims.get("credit", {}).items():
            print(f"  {name}: {json.dumps(value, ensure_ascii=False)}")  # noqa: T201
    return 0


def check_unseen(bound, seen):
    if bound and bound["nonce"] in seen:
        raise Broken("replayed")


def _read(path, default=None):
    try:
        with open(path, encoding="utf-8", newline="") as file:  # noqa: PTH123 - as short as it gets
            return file.read()
    except FileNotFoundError:
        if default is None:
            raise
        return default


if __name__ == "__main__":
    sys.exit(main())
