"""What the documentation says of refusals, which every address may answer with."""

PROBLEM = {
    "type": "object",
    "description": "RFC 9457: why a request was refused.",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {"type": "string", "example": "about:blank"},
        "title": {"type": "string", "example": "The input was refused."},
        "status": {"type": "integer", "example": 400},
        "code": {
            "type": "string",
            "description": "Stable, for machines: invalid, not_found, or the name of the rule.",
            "example": "invalid",
        },
        "detail": {"type": "string", "description": "For people, in the language of Accept-Language."},
        "errors": {
            "type": "object",
            "description": "What is wrong, by field.",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
            "example": {"attributes.DN": ["“wide” is not a number."]},
        },
    },
}
REFUSALS = {
    "400": "The input was refused; errors names each field.",
    "401": "No valid token or session.",
    "404": "There is no such thing, or it is not yours to see.",
    "409": "A rule forbids this; code names it.",
    "429": "Too many requests; Retry-After says when to come back.",
}
METHODS_THAT_CHANGE = ("post", "patch", "put", "delete")


def describe_problems(result, generator, request, public):
    """Add the problem document to every operation; a hook of drf-spectacular."""
    result.setdefault("components", {}).setdefault("schemas", {})["Problem"] = PROBLEM
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for operations in result["paths"].values():
        for method, operation in operations.items():
            changes = method in METHODS_THAT_CHANGE
            for status, description in REFUSALS.items():
                if changes or status not in {"400", "409"}:
                    operation["responses"].setdefault(status, {"description": description, "content": content})
    return result
